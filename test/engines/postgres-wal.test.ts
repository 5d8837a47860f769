import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { guardName } from '../../src/engines/postgres/wal/guard-name.js'
import { readyDirectory } from '../../src/engines/postgres/wal/receive-directory.js'
import { receiveFailure } from '../../src/engines/postgres/wal/receive-failure.js'
import { checkSegmentHeader } from '../../src/engines/postgres/wal/segment-header.js'

const mib = 2 ** 20
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wal-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

test('a slot has a name PostgreSQL takes, and no two systems share one', () => {
  expect(guardName('avi5')).toBe('holdfast_avi5')
  const names = ['a-b', 'a_b', 'x'.repeat(63), `${'x'.repeat(62)}y`, `${'x'.repeat(50)}-z`].map(guardName)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z0-9_]{1,63}$/)
})

interface Header {
  readonly magic?: number
  readonly flags?: number
  readonly timeline?: number
  readonly address?: bigint
  readonly systemIdentifier?: bigint
  readonly segmentBytes?: number
  readonly order?: 'little' | 'big'
}

async function segment(header: Header): Promise<string> {
  const { magic = 0xd110, flags = 7, timeline = 1, address = 0x3000000n, systemIdentifier = 7n, order = 'little' } = header
  const { segmentBytes = 16 * mib } = header
  const bytes = Buffer.alloc(64)
  const end = order === 'little' ? 'LE' : 'BE'
  bytes[`writeUInt16${end}`](magic, 0)
  bytes[`writeUInt16${end}`](flags, 2)
  bytes[`writeUInt32${end}`](timeline, 4)
  bytes[`writeBigUInt64${end}`](address, 8)
  bytes[`writeBigUInt64${end}`](systemIdentifier, 24)
  bytes[`writeUInt32${end}`](segmentBytes, 32)
  const path = join(directory, 'segment')
  await writeFile(path, bytes)
  return path
}

const expectation = { systemIdentifier: '7', segmentSizeBytes: 16 * mib, file: '000000020000000000000003' }

test.each<[string, Header]>([
  ['of its own timeline', { timeline: 2 }],
  ['of the timeline before, where the new one began in it', { timeline: 1 }],
  ['in the byte order of another machine', { timeline: 2, order: 'big' }],
])('a segment is taken: %s', async (_, header) => {
  await checkSegmentHeader(await segment(header), expectation)
})

test.each<[string, Header, string]>([
  ['another cluster', { systemIdentifier: 8n }, 'WAL_FOREIGN'],
  ['other segments', { segmentBytes: mib }, 'WAL_FOREIGN'],
  ['another place', { address: 0x4000000n }, 'ARTIFACT_DAMAGED'],
  ['a later timeline', { timeline: 3 }, 'ARTIFACT_DAMAGED'],
  ['something else', { magic: 0x1234 }, 'ARTIFACT_DAMAGED'],
  ['a page from the middle', { flags: 1 }, 'ARTIFACT_DAMAGED'],
])('a segment of %s is refused', async (_, header, code) => {
  await expect(checkSegmentHeader(await segment(header), expectation)).rejects.toMatchObject({ code })
})

test('the receiver begins where it should: one partial segment, empty where it is new or was cut short', async () => {
  const incoming = await mkdtemp(join(directory, 'in-'))
  for (const name of ['000000010000000000000001', '000000010000000000000009.partial', '00000002.history'])
    await writeFile(join(incoming, name), 'x')
  await writeFile(join(incoming, '000000010000000000000002.partial'), 'cut short')
  await readyDirectory(incoming, { timeline: 1, lsn: parseLsn('0/2000000') }, 16 * mib)
  expect((await readdir(incoming)).sort()).toEqual([
    '000000010000000000000001',
    '000000010000000000000002.partial',
    '00000002.history',
  ])
  expect((await stat(join(incoming, '000000010000000000000002.partial'))).size).toBe(0)
})

test.each([
  ['pg_receivewal: error: could not write 8192 bytes to WAL file "x": No space left on device', 'SPOOL_SHORT'],
  [
    'error: unexpected termination of replication stream: ERROR:  requested WAL segment 000000010000000000000003 has already been removed',
    'WAL_GAP',
  ],
  [
    'error: unexpected termination of replication stream: FEHLER:  das angeforderte WAL-Segment 000000010000000000000003 wurde schon entfernt',
    'WAL_GAP',
  ],
  ['error: connection to server at "h" failed: FATAL:  password authentication failed for user "b"', 'SOURCE_DENIED'],
  ['error: connection to server at "h" failed: Connection refused', 'SOURCE_UNAVAILABLE'],
  ['', 'SOURCE_UNAVAILABLE'],
])('what ended the receiver is told by its words: %s', (said, code) => {
  expect(receiveFailure('db1:5432', said, undefined).code).toBe(code)
})
