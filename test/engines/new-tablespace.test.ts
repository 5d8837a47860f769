import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatLsn, type Lsn, parseLsn } from '../../src/domain/lsn.js'
import { findNewTablespace, type ReplayRange } from '../../src/engines/postgres/new-tablespace.js'

const segmentSizeBytes = 2 ** 20
const pageBytes = 8192
const start = 0x300000n
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tablespaces-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

interface TestRecord {
  readonly manager: number
  readonly info?: number
  readonly data: Buffer
}

/** A record as XLogInsert makes it: header, a block of main data. */
function recordOf({ manager, info = 0, data }: TestRecord): Buffer {
  const marker = data.length < 256 ? Buffer.from([255, data.length]) : Buffer.from([254, 0, 0, 0, 0])
  if (data.length >= 256) marker.writeUInt32LE(data.length, 1)
  const header = Buffer.alloc(24, 0xee)
  header.writeUInt32LE(24 + marker.length + data.length, 0)
  header.set([info, manager, 0, 0], 16)
  return Buffer.concat([header, marker, data])
}

/** Two segments that begin at `start`, with the records one after the other. @returns also where each begins */
function walOf(records: readonly Buffer[]): { readonly segments: readonly Buffer[]; readonly positions: readonly bigint[] } {
  const wal = Buffer.alloc(2 * segmentSizeBytes)
  const positions: bigint[] = []
  let at = 0
  const beginPage = (rest: number) => {
    const isLong = at % segmentSizeBytes === 0
    wal.writeUInt16LE(0xd110, at)
    wal.writeUInt16LE((isLong ? 2 : 0) | (rest > 0 ? 1 : 0), at + 2)
    wal.writeBigUInt64LE(start + BigInt(at), at + 8)
    wal.writeUInt32LE(rest, at + 16)
    if (isLong) wal.writeUInt32LE(pageBytes, at + 36)
    at += isLong ? 40 : 24
  }
  for (const record of records) {
    if (at % pageBytes === 0) beginPage(0)
    positions.push(start + BigInt(at))
    for (let done = 0; done < record.length; ) {
      if (at % pageBytes === 0) beginPage(record.length - done)
      const part = Math.min(record.length - done, pageBytes - (at % pageBytes))
      record.copy(wal, at, done, done + part)
      at += part
      done += part
    }
    at = Math.ceil(at / 8) * 8
  }
  return { segments: [wal.subarray(0, segmentSizeBytes), wal.subarray(segmentSizeBytes)], positions }
}

/** What the script for the day without Holdfast finds: the same. */
async function findByScript(wals: readonly (readonly Buffer[])[]): Promise<string[][]> {
  const program = `
import sys
sys.path.insert(0, "scripts/restore")
from new_tablespace import new_tablespaces
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        wal = file.read()
    begins = range(0, len(wal), int(sys.argv[1]))
    print(*(f"0/{0x300000 + begin + at:X}" for begin in begins for at in new_tablespaces(wal[begin : begin + int(sys.argv[1])], 0x300000 + begin)))
`
  const paths = wals.map((_, index) => join(directory, `wal-${index}`))
  for (const [index, segments] of wals.entries()) await writeFile(paths[index] ?? '', Buffer.concat(segments))
  const { stdout } = await execa('python3', ['-B', '-c', program, String(segmentSizeBytes), ...paths])
  return stdout.split('\n').map((line) => line.split(' ').filter((word) => word !== ''))
}

async function findIn(segments: readonly Buffer[], range?: ReplayRange): Promise<(Lsn | undefined)[]> {
  const found: (Lsn | undefined)[] = []
  for (const [index, bytes] of segments.entries()) {
    const path = join(directory, 'segment')
    await writeFile(path, bytes)
    await using segment = await open(path)
    const startLsn = formatLsn(start + BigInt(index * segmentSizeBytes))
    found.push(await findNewTablespace(segment, { startLsn, segmentSizeBytes }, range))
  }
  return found
}

const creation = (path: string) => recordOf({ manager: 5, data: Buffer.from(`\x01\x40\x00\x00${path}\0`) })
const other = recordOf({ manager: 10, info: 0x10, data: Buffer.alloc(40, 5) })
const drop = recordOf({ manager: 5, info: 0x10, data: Buffer.alloc(4, 1) })
const filling = (dataBytes: number) => recordOf({ manager: 10, data: Buffer.alloc(dataBytes, 5) })

/** One record that is followed by another at this offset: that of a page's end less `beforeEnd`, of the n-th page. */
function leadTo(page: number, beforeEnd: number): Buffer {
  const headers = 40 + 24 * (page - 1)
  return filling(page * pageBytes - beforeEnd - headers - 24 - 5)
}

test.each([
  ['a page', 3],
  ['a segment', segmentSizeBytes / pageBytes],
])('a tablespace that was made is found wherever its record begins before the end of %s', async (_, page) => {
  const [wals, expected]: [(readonly Buffer[])[], string[][]] = [[], []]
  for (let beforeEnd = 8; beforeEnd <= 64; beforeEnd += 8) {
    for (const path of ['/srv/fast', `/srv/${'x'.repeat(400)}`]) {
      const { segments, positions } = walOf([leadTo(page, beforeEnd), creation(path), other])
      expect(positions[1]).toBe(start + BigInt(page * pageBytes - beforeEnd))
      const found = (await findIn(segments)).filter((lsn) => lsn !== undefined)
      expect(found, `${beforeEnd} bytes before the end`).toEqual([formatLsn(positions[1] ?? 0n)])
      wals.push(segments)
      expected.push(found)
    }
  }
  expect(await findByScript(wals)).toEqual(expected)
})

test('other records are none, whatever they hold and wherever they begin', async () => {
  const wals: (readonly Buffer[])[] = []
  for (let beforeEnd = 8; beforeEnd <= 64; beforeEnd += 8) {
    for (const record of [other, drop, filling(300)]) {
      const { segments } = walOf([leadTo(segmentSizeBytes / pageBytes, beforeEnd), record, other])
      expect(await findIn(segments), `${beforeEnd} bytes before the end`).toEqual([undefined, undefined])
      wals.push(segments)
    }
  }
  expect((await findByScript(wals)).flat()).toEqual([])
})

test('what replay does not come to is none', async () => {
  const { segments, positions } = walOf([other, creation('/srv/fast'), other])
  const [, at = 0n, after = 0n] = positions
  expect(await findIn(segments, { fromLsn: formatLsn(at) })).toEqual([formatLsn(at), undefined])
  expect(await findIn(segments, { fromLsn: formatLsn(after) })).toEqual([undefined, undefined])
  expect(await findIn(segments, { toLsn: formatLsn(at) })).toEqual([undefined, undefined])
  expect(await findIn(segments, { toLsn: parseLsn('0/FFFFFFFF') })).toEqual([formatLsn(at), undefined])
})
