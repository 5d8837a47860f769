import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Crc32, ObjectKey } from '../../src/domain/ids.js'
import { crc32Of } from '../../src/storage/crc32-forms.js'
import type { Store, Upload, UploadedPart, Uploads } from '../../src/storage/store.js'
import { codeOf, collect, readAll } from './store-reading.js'

const key = (text: string) => text as ObjectKey
const partBytes = 5 * 1024 * 1024

/** Resumable uploads. A store without them, like a directory, is asked for nothing. */
export function describeUploads(open: () => Store, openAnother: () => Store): void {
  const given = (title: string, test: (store: Store, uploads: Uploads) => Promise<void>) =>
    it(title, async () => {
      const store = open()
      if (store.uploads) await test(store, store.uploads)
      else expect(store.growing).toBeDefined()
    })

  given('continues an upload another process began, and sends the missing parts alone', async (store, uploads) => {
    const bytes = randomBytes(2 * partBytes + 1234)
    await sendParts(uploads, await uploads.begin(key('up/resumed')), bytes, [1, 3])

    const other = uploadsOf(openAnother())
    const found = await other.find(key('up/resumed'))
    if (!found) throw new Error('the upload was not found')
    const stored = await other.parts(found)
    expect(stored.map(({ number, sizeBytes }) => ({ number, sizeBytes }))).toEqual([
      { number: 1, sizeBytes: partBytes },
      { number: 3, sizeBytes: 1234 },
    ])
    expect(stored[0]?.crc32).toBe(crc32Of(bytes.subarray(0, partBytes)))
    await sendParts(other, found, bytes, [2])
    const info = await other.complete(found, await other.parts(found), { ifAbsent: true, crc32: crc32Of(bytes) })
    expect(info).toMatchObject({ key: 'up/resumed', sizeBytes: bytes.length, crc32: crc32Of(bytes) })
    expect((await readAll(store, 'up/resumed')).equals(bytes)).toBe(true)
    expect(await other.find(key('up/resumed'))).toBeUndefined()
  })

  given('shows nothing of an object before its upload is complete', async (store, uploads) => {
    const upload = await uploads.begin(key('up/hidden'))
    await sendParts(uploads, upload, randomBytes(100), [1])
    expect(await store.head(key('up/hidden'))).toBeUndefined()
    expect(await collect(store.list('up/hidden'))).toEqual([])
    await uploads.abort(upload)
  })

  given('refuses to complete with a CRC-32 that is not of the object', async (store, uploads) => {
    const bytes = randomBytes(1000)
    const upload = await uploads.begin(key('up/wrong'))
    const parts = await sendParts(uploads, upload, bytes, [1])
    const wrong = uploads.complete(upload, parts, { ifAbsent: true, crc32: '00000001' as Crc32 })
    expect(await codeOf(wrong)).toBe('ARTIFACT_DAMAGED')
    expect(await store.head(key('up/wrong'))).toBeUndefined()
    await uploads.complete(upload, parts, { ifAbsent: true, crc32: crc32Of(bytes) })
  })

  given('refuses a part with a CRC-32 that is not of its bytes', async (_store, uploads) => {
    const upload = await uploads.begin(key('up/wrong part'))
    const part = { number: 1, bytes: randomBytes(1000), crc32: '00000001' as Crc32 }
    expect(await codeOf(uploads.putPart(upload, part))).toBe('ARTIFACT_DAMAGED')
    expect(await uploads.parts(upload)).toEqual([])
    await uploads.abort(upload)
  })

  given('refuses to complete over an existing object', async (store, uploads) => {
    await store.put(key('up/taken'), Buffer.from('first'), { ifAbsent: true })
    const upload = await uploads.begin(key('up/taken'))
    const bytes = randomBytes(10)
    const parts = await sendParts(uploads, upload, bytes, [1])
    expect(await codeOf(uploads.complete(upload, parts, { ifAbsent: true, crc32: crc32Of(bytes) }))).toBe('ALREADY_EXISTS')
    expect(`${await readAll(store, 'up/taken')}`).toBe('first')
    await uploads.abort(upload)
  })

  given('changes nothing when the same upload is completed twice', async (store, uploads) => {
    const bytes = randomBytes(1000)
    const upload = await uploads.begin(key('up/twice'))
    const parts = await sendParts(uploads, upload, bytes, [1])
    const options = { ifAbsent: true, crc32: crc32Of(bytes) }
    const first = await uploads.complete(upload, parts, options)
    const second = await codeOf(uploads.complete(upload, parts, options))
    expect(['none', 'ALREADY_EXISTS']).toContain(second)
    expect((await store.head(key('up/twice')))?.modifiedAt).toEqual(first.modifiedAt)
  })

  given('forgets an aborted upload, and takes a second abort for done', async (_store, uploads) => {
    const upload = await uploads.begin(key('up/aborted'))
    await uploads.abort(upload)
    await uploads.abort(upload)
    expect(await uploads.find(key('up/aborted'))).toBeUndefined()
    expect(await codeOf(uploads.parts(upload))).toBe('NOT_FOUND')
  })

  given('finds the newest upload on exactly the key', async (_store, uploads) => {
    const longer = await uploads.begin(key('up/same key'))
    const older = await uploads.begin(key('up/same'))
    await sleep(1100)
    const newer = await uploads.begin(key('up/same'))
    expect((await uploads.find(key('up/same')))?.id).toBe(newer.id)
    expect((await uploads.find(key('up/same key')))?.id).toBe(longer.id)
    expect(await uploads.find(key('up/sam'))).toBeUndefined()
    for (const upload of [longer, older, newer]) await uploads.abort(upload)
  })

  given('lists the uploads that began before a moment', async (_store, uploads) => {
    const upload = await uploads.begin(key('stale/1'))
    const future = new Date(Date.now() + 60_000)
    expect((await collect(uploads.listStale('stale/', future))).map(({ key, id }) => ({ key, id }))).toEqual([
      { key: 'stale/1', id: upload.id },
    ])
    expect(await collect(uploads.listStale('stale/', new Date(Date.now() - 60_000)))).toEqual([])
    await uploads.abort(upload)
  })

  given('replaces a part that is sent again', async (store, uploads) => {
    const bytes = randomBytes(1000)
    const upload = await uploads.begin(key('up/replaced'))
    await sendParts(uploads, upload, randomBytes(500), [1])
    const parts = await sendParts(uploads, upload, bytes, [1])
    await uploads.complete(upload, parts, { ifAbsent: true, crc32: crc32Of(bytes) })
    expect((await readAll(store, 'up/replaced')).equals(bytes)).toBe(true)
  })
}

/** Sends some of the parts of `bytes`, cut at the part size. */
export async function sendParts(
  uploads: Uploads,
  upload: Upload,
  bytes: Buffer,
  numbers: readonly number[],
): Promise<UploadedPart[]> {
  return Promise.all(
    numbers.map((number) => {
      const part = bytes.subarray((number - 1) * partBytes, number * partBytes)
      return uploads.putPart(upload, { number, bytes: part, crc32: crc32Of(part) })
    }),
  )
}

function uploadsOf(store: Store): Uploads {
  if (!store.uploads) throw new Error(`${store.description} takes no uploads`)
  return store.uploads
}
