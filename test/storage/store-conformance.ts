import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectKey } from '../../src/domain/ids.js'
import { crc32Of } from '../../src/storage/crc32-forms.js'
import type { Source, Store } from '../../src/storage/store.js'
import { byBytes, codeOf, collect, keysOf, readAll, writeKeys } from './store-reading.js'
import { describeUploads } from './upload-conformance.js'

export interface StoreUnderTest {
  /** A store object of its own on the same place each time: what another process would have. */
  open(): Store
  /** The place of a store that does not exist. */
  openMissing(): Store
  close(): Promise<void>
}

const key = (text: string) => text as ObjectKey

/** What every adapter must do, whatever it stores in. `make` is called once. */
export function describeStoreConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} is a store`, () => {
    let place: StoreUnderTest
    let store: Store
    beforeAll(async () => {
      place = await make()
      store = place.open()
    })
    afterAll(async () => {
      await place?.close()
    })

    describePuts(() => store)
    describeReads(() => store)
    describeListings(() => store)
    describeDeletes(() => store)
    describeUploads(
      () => store,
      () => place.open(),
    )

    it('finds out what it can do, and leaves nothing behind', async () => {
      const found = await store.probe()
      expect(found.conditionalPut).toBe(true)
      expect(store.capabilities).toEqual(found)
      expect(found.multipart).toBe(store.uploads !== undefined)
      expect(await keysOf(store, '_holdfast/')).toEqual([])
    })

    it('names a missing place in every call', async () => {
      const missing = place.openMissing()
      const options = { ifAbsent: true }
      expect(await codeOf(missing.put(key('a'), Buffer.from('x'), options))).toBe('STORE_MISSING')
      expect(await codeOf(missing.get(key('a')))).toBe('STORE_MISSING')
      expect(await codeOf(missing.head(key('a')))).toBe('STORE_MISSING')
      expect(await codeOf(collect(missing.list('')))).toBe('STORE_MISSING')
      expect(await codeOf(missing.delete([key('a')]))).toBe('STORE_MISSING')
      expect(await codeOf(missing.probe())).toBe('STORE_MISSING')
    })

    it('rejects every call with the reason of a signal that is aborted', async () => {
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(store.put(key('abort/a'), Buffer.from('x'), { ifAbsent: true, signal })).rejects.toBe(reason)
      await expect(store.get(key('abort/a'), { signal })).rejects.toBe(reason)
      await expect(store.head(key('abort/a'), { signal })).rejects.toBe(reason)
      await expect(collect(store.list('', { signal }))).rejects.toBe(reason)
      await expect(store.delete([key('abort/a')], { signal })).rejects.toBe(reason)
      expect(await store.head(key('abort/a'))).toBeUndefined()
    })
  })
}

function describePuts(open: () => Store): void {
  it('gives back the bytes that were put, with their size and time', async () => {
    const store = open()
    const bytes = randomBytes(300_000)
    const put = await store.put(key('put/whole'), bytes, { ifAbsent: true })
    expect(put).toMatchObject({ key: 'put/whole', sizeBytes: bytes.length })
    expect(Math.abs(put.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000)
    expect((await readAll(store, 'put/whole')).equals(bytes)).toBe(true)
    const head = await store.head(key('put/whole'))
    expect(head?.sizeBytes).toBe(bytes.length)
    if (head?.crc32) expect(head.crc32).toBe(crc32Of(bytes))
  })

  it('gives back what was put from a source, which it may read more than once', async () => {
    const store = open()
    const bytes = randomBytes(1_500_000)
    const put = await store.putFrom(key('put/from'), sourceOf(bytes), { ifAbsent: true })
    expect(put).toMatchObject({ key: 'put/from', sizeBytes: bytes.length })
    expect((await readAll(store, 'put/from')).equals(bytes)).toBe(true)
    if (put.crc32) expect(put.crc32).toBe(crc32Of(bytes))
    await store.putFrom(key('put/from nothing'), sourceOf(Buffer.alloc(0)), { ifAbsent: true })
    expect(await readAll(store, 'put/from nothing')).toEqual(Buffer.alloc(0))
  })

  it('refuses an existing key to bytes and to a source, unless it may replace it', async () => {
    const store = open()
    await store.put(key('put/from once'), Buffer.from('first'), { ifAbsent: true })
    // So large that a store which refuses at once, and hangs up, does so in the middle of it.
    const second = randomBytes(20_000_000)
    for (let time = 1; time <= 5; time += 1) {
      expect(await codeOf(store.put(key('put/from once'), second, { ifAbsent: true }))).toBe('ALREADY_EXISTS')
      expect(await codeOf(store.putFrom(key('put/from once'), sourceOf(second), { ifAbsent: true }))).toBe('ALREADY_EXISTS')
    }
    expect(`${await readAll(store, 'put/from once')}`).toBe('first')
    await store.putFrom(key('put/from once'), sourceOf(Buffer.from('third')), { ifAbsent: false })
    expect(`${await readAll(store, 'put/from once')}`).toBe('third')
  })

  it('keeps nothing of a source that fails, or whose reading is aborted', async () => {
    const store = open()
    const failure = new Error('the disk of the source')
    const fail = () => Promise.reject(failure)
    await expect(store.putFrom(key('put/failing'), sourceOf(Buffer.alloc(800_000), fail), { ifAbsent: true })).rejects.toThrow(
      'the disk of the source',
    )
    const left = new AbortController()
    const leave = async () => left.abort(failure)
    const leaving = store.putFrom(key('put/failing'), sourceOf(Buffer.alloc(800_000), leave), {
      ifAbsent: true,
      signal: left.signal,
    })
    await expect(leaving).rejects.toBe(failure)
    expect(await store.head(key('put/failing'))).toBeUndefined()
  })

  it('keeps an empty object', async () => {
    const store = open()
    await store.put(key('put/empty'), new Uint8Array(), { ifAbsent: true })
    expect((await store.head(key('put/empty')))?.sizeBytes).toBe(0)
    expect(await readAll(store, 'put/empty')).toEqual(Buffer.alloc(0))
  })

  it('refuses an existing key, and overwrites nothing', async () => {
    const store = open()
    await store.put(key('put/once'), Buffer.from('first'), { ifAbsent: true })
    expect(await codeOf(store.put(key('put/once'), Buffer.from('second'), { ifAbsent: true }))).toBe('ALREADY_EXISTS')
    expect(await codeOf(store.put(key('put/once'), Buffer.from('first'), { ifAbsent: true }))).toBe('ALREADY_EXISTS')
    expect(`${await readAll(store, 'put/once')}`).toBe('first')
  })

  it('replaces an existing key when it may', async () => {
    const store = open()
    await store.put(key('put/again'), Buffer.from('first, and longer'), { ifAbsent: false })
    await store.put(key('put/again'), Buffer.from('second'), { ifAbsent: false })
    expect(`${await readAll(store, 'put/again')}`).toBe('second')
  })

  it('lets exactly one of 20 puts at the same time win', async () => {
    const store = open()
    const tries = Array.from({ length: 20 }, (_, n) =>
      store.put(key('put/race'), Buffer.from(`writer ${n}`), { ifAbsent: true }).then(
        () => n,
        (error: unknown) => codeOf(Promise.reject(error)),
      ),
    )
    const outcomes = await Promise.all(tries)
    const winners = outcomes.filter((outcome) => typeof outcome === 'number')
    expect(winners).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'ALREADY_EXISTS')).toHaveLength(19)
    expect(`${await readAll(store, 'put/race')}`).toBe(`writer ${winners[0]}`)
  })
}

/** @param atEnd awaited before the last piece of each reading */
function sourceOf(bytes: Buffer, atEnd = async () => {}): Source {
  return {
    sizeBytes: bytes.length,
    async *read() {
      const half = Math.ceil(bytes.length / 2)
      yield bytes.subarray(0, half)
      await atEnd()
      yield bytes.subarray(half)
    },
  }
}

function describeReads(open: () => Store): void {
  it('says NOT_FOUND of a key that is not there, at the call', async () => {
    const store = open()
    expect(await codeOf(store.get(key('read/nothing')))).toBe('NOT_FOUND')
    expect(await store.head(key('read/nothing'))).toBeUndefined()
  })

  it('does not take a prefix of keys for a key', async () => {
    const store = open()
    await store.put(key('read/deep/object'), Buffer.from('x'), { ifAbsent: true })
    expect(await store.head(key('read/deep'))).toBeUndefined()
    expect(await codeOf(store.get(key('read/deep')))).toBe('NOT_FOUND')
  })

  it.each([
    ['from the beginning', 0, 9, '0123456789'],
    ['in the middle', 4, 6, '456'],
    ['of one byte', 35, 35, 'z'],
    ['that reaches beyond the end', 30, 1000, 'uvwxyz'],
  ])('reads a range %s', async (name, start, end, expected) => {
    const store = open()
    const bytes = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz')
    await store.put(key(`read/range ${name}`), bytes, { ifAbsent: true })
    expect(`${await readAll(store, `read/range ${name}`, { range: { start, end } })}`).toBe(expected)
  })

  it('refuses a range that begins beyond the end', async () => {
    const store = open()
    await store.put(key('read/short'), Buffer.from('0123'), { ifAbsent: true })
    expect(await codeOf(store.get(key('read/short'), { range: { start: 4, end: 9 } }))).toBe('ARTIFACT_DAMAGED')
  })

  it('fails a body with the reason of a signal aborted while it is read', async () => {
    const store = open()
    await store.put(key('read/long'), randomBytes(24 * 1024 * 1024), { ifAbsent: true })
    const controller = new AbortController()
    const body = await store.get(key('read/long'), { signal: controller.signal })
    const reason = new Error('changed my mind')
    const reading = (async () => {
      for await (const _ of body) controller.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
  })
}

function describeListings(open: () => Store): void {
  it('lists more than 1000 keys in the order of their bytes, from any key on, and deletes them at once', async () => {
    const store = open()
    const names = Array.from({ length: 1010 }, (_, n) => `list/many/${n % 7}/${n}`)
    await writeKeys(store, names)
    const expected = names.toSorted(byBytes)
    expect(await keysOf(store, 'list/many/')).toEqual(expected)
    expect(await keysOf(store, 'list/many/', expected[540])).toEqual(expected.slice(541))
    expect(await keysOf(store, 'list/many/', 'list/many/3')).toEqual(expected.filter((name) => name > 'list/many/3'))
    expect(await keysOf(store, 'list/many/', 'list/z')).toEqual([])
    const results = await store.delete(names.map(key))
    expect(results.filter(({ outcome }) => outcome === 'deleted')).toHaveLength(1010)
    expect(await keysOf(store, 'list/many/')).toEqual([])
  })

  it('orders whole keys, also where directories and files share a beginning', async () => {
    const store = open()
    const expected = [
      'a b',
      'a-b',
      'a.b/x',
      'a/B',
      'a/b-c',
      'a/b.c',
      'a/b/c',
      'a0',
      'ab/c',
      'z/1',
      'é',
      '\uFF21',
      '\u{1F600}',
    ].map((name) => `list/order/${name}`)
    await writeKeys(store, expected.toReversed())
    expect(await keysOf(store, 'list/order/')).toEqual(expected)
    for (const after of expected) {
      expect(await keysOf(store, 'list/order/', after)).toEqual(expected.slice(expected.indexOf(after) + 1))
    }
  })

  it('takes a prefix as plain text, also within a segment', async () => {
    const store = open()
    await writeKeys(store, ['list/pre/abc', 'list/pre/abd/x', 'list/pre/ab', 'list/pre/b', 'list/prefix'])
    expect(await keysOf(store, 'list/pre/ab')).toEqual(['list/pre/ab', 'list/pre/abc', 'list/pre/abd/x'])
    expect(await keysOf(store, 'list/pre')).toHaveLength(5)
    expect(await keysOf(store, 'list/pre/abc')).toEqual(['list/pre/abc'])
    expect(await keysOf(store, 'list/pre/abc/')).toEqual([])
    expect(await keysOf(store, 'nowhere/at/all/')).toEqual([])
  })

  it('says size and time of each object', async () => {
    const store = open()
    await store.put(key('list/info'), Buffer.from('12345'), { ifAbsent: true })
    const [info] = await collect(store.list('list/info'))
    expect(info).toMatchObject({ key: 'list/info', sizeBytes: 5 })
    expect(Math.abs((info?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it('can be left early', async () => {
    const store = open()
    await writeKeys(store, ['list/early/1', 'list/early/2'])
    for await (const info of store.list('list/early/')) {
      expect(info.key).toBe('list/early/1')
      break
    }
  })

  it.each([
    'two words',
    'a+b',
    '100%',
    '%2F',
    'ünïcödé',
    '日本語',
    'a&b<c>"d"',
    "it's",
    '#?=;:@',
    'ends with space ',
    '(1)*!~',
    '$HOME',
  ])('keeps the key "%s" as it is', async (name) => {
    const store = open()
    const text = `odd/${name}/${name}`
    await store.put(key(text), Buffer.from(name), { ifAbsent: true })
    expect(`${await readAll(store, text)}`).toBe(name)
    expect(await keysOf(store, `odd/${name}/`)).toEqual([text])
    expect(await store.delete([key(text)])).toEqual([{ key: text, outcome: 'deleted' }])
    expect(await store.head(key(text))).toBeUndefined()
  })
}

function describeDeletes(open: () => Store): void {
  it('answers for each key, in order, and counts an absent key as deleted', async () => {
    const store = open()
    await writeKeys(store, ['delete/1', 'delete/2', 'delete/3'])
    const keys = ['delete/1', 'delete/none', 'delete/3'].map(key)
    expect(await store.delete(keys)).toEqual(keys.map((each) => ({ key: each, outcome: 'deleted' })))
    expect(await keysOf(store, 'delete/')).toEqual(['delete/2'])
    expect(await store.delete([])).toEqual([])
  })

  it('takes puts while deletes empty the directory they go to', async () => {
    const store = open()
    const rounds = Array.from({ length: 60 }, async (_, n) => {
      const text = key(`churn/deep/${n}`)
      await store.put(text, Buffer.from('x'), { ifAbsent: true })
      return store.delete([text])
    })
    expect((await Promise.all(rounds)).flat().every(({ outcome }) => outcome === 'deleted')).toBe(true)
    expect(await keysOf(store, 'churn/')).toEqual([])
  })
}
