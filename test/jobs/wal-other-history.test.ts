import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { parseTimelineHistory } from '../../src/domain/timeline-history.js'
import { walHashOf } from '../../src/domain/wal.js'
import type { WalServer } from '../../src/engines/wal-source.js'
import { refuseOtherContent, refuseOtherTimeline } from '../../src/jobs/wal/refuse-other-history.js'
import type { Spool, SpoolState } from '../../src/jobs/wal/spool.js'

const segmentSizeBytes = 2 ** 20
const file = '000000010000000000000005'
const received = { timeline: 1, lsn: parseLsn('0/500000') }
const state: SpoolState = {
  ...{ version: 1, id: 'one', systemIdentifier: '7', segmentSizeBytes, origin: received, received, histories: [] },
}
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'other-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

test('a segment has to begin as what was sealed of it', async () => {
  const sealed = Buffer.alloc(segmentSizeBytes).fill('first', 0, 1000)
  const hash = walHashOf(createHash('sha256').update(sealed).digest('hex'))
  const known = { ...state, partial: { file, endLsn: parseLsn('0/5003E8'), hash } }
  const path = join(directory, file)
  const check = async (content: Buffer, now: SpoolState = known, name = file) => {
    await writeFile(path, content)
    await refuseOtherContent(path, name, now)
  }
  await check(Buffer.from(sealed).fill('more', 1000))
  const other = Buffer.from(sealed).fill('x', 999)
  await expect(check(other)).rejects.toMatchObject({
    code: 'WAL_FOREIGN',
    message: `the server's ${file} begins otherwise than when it was received up to 0/5003E8: it was set back, and has written other WAL since`,
  })
  // Of another segment nothing is known, and a spool of before knew no hashes.
  await check(other, known, '000000010000000000000006')
  await check(other, { ...known, partial: { file, endLsn: parseLsn('0/5003E8') } })
})

test('a timeline of the same number that was left at another place is another one', async () => {
  const text = '1\t0/6500000\tno recovery target specified\n'
  const spool = { incoming: directory } as Spool
  const server = (history: string) => ({ label: 'db2:5432', timeline: 2, history: parseTimelineHistory(history, 2) }) as WalServer
  // Not received yet.
  await refuseOtherTimeline(spool, server(text))
  await writeFile(join(directory, '00000002.history'), text)
  await refuseOtherTimeline(spool, server(text))
  await expect(refuseOtherTimeline(spool, server(text.replace('65', '64')))).rejects.toMatchObject({
    code: 'WAL_FOREIGN',
    message: 'db2:5432 has another 00000002.history than the timeline 2 that was received before',
  })
})
