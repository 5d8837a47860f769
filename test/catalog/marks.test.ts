import { beforeEach, describe, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.js'
import { markKey } from '../../src/catalog/wal-keys.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import type { Mark } from '../../src/domain/mark.js'
import { createMemoryStore } from './memory-store.js'
import { codeOf, keyRing, noKeys } from './sample-manifest.js'

const system = parseSystemName('avi5')
const mark: Mark = {
  formatVersion: 1,
  system,
  systemIdentifier: '7593412345678901234',
  timeline: 1,
  lsn: parseLsn('0/2000138'),
  at: '2026-01-10T03:15:00.000Z',
}
const key = markKey(mark)
const keys = keyRing('k1')
let store: ReturnType<typeof createMemoryStore>

beforeEach(() => {
  store = createMemoryStore()
})

describe('a mark', () => {
  test.each([
    ['signed', keys],
    ['without a signature where encryption is off', noKeys],
  ] as const)('comes back as it was put, %s, and may be put again', async (_, ring) => {
    const { marks } = createCatalog({ store, keys: ring })
    await marks.put(mark)
    await marks.put(mark)
    expect(await marks.read(system, mark)).toEqual(mark)
    const { systemIdentifier, timeline, lsn, at } = mark
    for await (const listed of marks.list(system)) expect(listed).toEqual({ systemIdentifier, timeline, lsn, at })
    expect.assertions(2)
  })

  test('may be put again after the active key was changed; one that nobody vouches for is in the way', async () => {
    await createCatalog({ store, keys }).marks.put(mark)
    const later = createCatalog({ store, keys: keyRing('k2', 'k1') }).marks
    await later.put(mark)
    expect(await later.read(system, mark)).toEqual(mark)
    store.objects.set(key, Buffer.from('{}'))
    expect(await codeOf(() => later.put(mark))).toBe('FORMAT_UNKNOWN')
  })

  test('is signed for what it is: the HMAC of a manifest would be another', async () => {
    await createCatalog({ store, keys }).marks.put(mark)
    const { hmac } = JSON.parse(text()) as { hmac: { value: string } }
    // HMAC-SHA-256 over the canonical form, under HKDF-SHA-256 of the key with "holdfast mark v1".
    expect(hmac.value).toBe(await independentHmac())
  })

  test.each<[string, (document: string) => string]>([
    ['altered', (document) => document.replace('"timeline": 1', '"timeline": 2')],
    ['moved to a later time', (document) => document.replace('03:15', '04:15')],
    ['robbed of its signature', (document) => document.replace(/ {2}"hmac": \{[^}]*\},\n/, '')],
    ['in another form', (document) => document.replace('  "at"', ' "at"')],
    ['cut', (document) => document.slice(0, 40)],
    ['padded', (document) => `${document}${' '.repeat(5000)}`],
  ])('that was %s is damaged', async (_, change) => {
    const { marks } = createCatalog({ store, keys })
    await marks.put(mark)
    const changed = change(text())
    expect(changed).not.toBe(text())
    store.objects.set(key, Buffer.from(changed))
    expect(await codeOf(() => marks.read(system, mark))).toBe('ARTIFACT_DAMAGED')
  })

  test('of a key that is not there says so, and of another format too', async () => {
    await createCatalog({ store, keys }).marks.put(mark)
    expect(await codeOf(() => createCatalog({ store, keys: keyRing('k2') }).marks.read(system, mark))).toBe('KEY_MISSING')
    store.objects.set(key, Buffer.from(text().replace('"formatVersion": 1', '"formatVersion": 2')))
    expect(await codeOf(() => createCatalog({ store, keys }).marks.read(system, mark))).toBe('FORMAT_UNKNOWN')
  })
})

function text(): string {
  return Buffer.from(store.objects.get(key) ?? []).toString('utf8')
}

async function independentHmac(): Promise<string> {
  const { hmac: _, ...members } = JSON.parse(text()) as Record<string, unknown>
  const names = Object.keys(members).toSorted()
  const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, members[name]])), null, 2)
  const { subtle } = globalThis.crypto
  const master = await subtle.importKey('raw', new Uint8Array(keys.active?.bytes ?? []), 'HKDF', false, ['deriveKey'])
  const info = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: new TextEncoder().encode('holdfast mark v1') }
  const derived = await subtle.deriveKey(info, master, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign'])
  return Buffer.from(await subtle.sign('HMAC', derived, new TextEncoder().encode(canonical))).toString('hex')
}
