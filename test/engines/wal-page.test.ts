import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lsn, parseLsn } from '../../src/domain/lsn.js'
import { checkSegmentPages } from '../../src/engines/postgres/wal-page.js'

const segmentSizeBytes = 2 ** 20
const pageBytes = 8192
const start = 0x300000n
const file = '000000010000000000000003'
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pages-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** Checks a segment of so many pages that were written; the rest is zeros. */
async function check(pages: number, endLsn: Lsn): Promise<void> {
  const bytes = Buffer.alloc(segmentSizeBytes)
  for (let page = 0; page < pages; page += 1) bytes.writeBigUInt64LE(start + BigInt(page * pageBytes), page * pageBytes + 8)
  bytes.writeUInt16LE(0xd110, 0)
  bytes.writeUInt16LE(2, 2)
  bytes.writeUInt32LE(1, 4)
  bytes.writeBigUInt64LE(7n, 24)
  bytes.writeUInt32LE(segmentSizeBytes, 32)
  bytes.writeUInt32LE(pageBytes, 36)
  const path = join(directory, 'segment')
  await writeFile(path, bytes)
  await using segment = await open(path)
  await checkSegmentPages(segment, {
    file,
    timeline: 1,
    startLsn: parseLsn('0/300000'),
    systemIdentifier: '7',
    segmentSizeBytes,
    endLsn,
  })
}

test('a segment that was left for the next one before it was full is whole: its rest is zeros', async () => {
  await check(1, parseLsn('0/400000'))
})

test('a segment that ends before the page its WAL is said to reach is damaged', async () => {
  await expect(check(1, parseLsn('0/304100'))).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' })
  await check(3, parseLsn('0/304100'))
})
