import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { trials } from '../stand/trials.js'
import { openPitrBench, type PitrBench } from './pitr-bench.js'
import { type Moment, startWriter } from './writer.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: process.env.HOLDFAST_TEST_LONG === '1' ? 3_600_000 : 120_000, hookTimeout: 120_000 })

const count = process.env.HOLDFAST_TEST_LONG === '1' ? 50 : 3
const [first] = trials()
const seed = first?.seed ?? 1

const forms: readonly ((moment: Moment) => string)[] = [
  ({ at }) => at,
  ({ lsn }) => `lsn:${lsn}`,
  ({ xid }) => `xid:${xid}`,
  ({ name }) => `name:${name}`,
]

describe.each([
  { major: 15, walSegmentSizeMb: 16, tablespace: true },
  { major: 18, walSegmentSizeMb: 1, tablespace: false },
] as const)('restores to moments of PostgreSQL $major, segments of $walSegmentSizeMb MB, tablespace: $tablespace', (server) => {
  let bench: PitrBench
  let moments: readonly Moment[]
  /** By when all of it is archived, and nothing has been committed since. */
  let idleAt: string

  beforeAll(async () => {
    bench = await openPitrBench({ server, ballast: 2000 })
    const writer = await startWriter(bench.source)
    await writer.writes(100)
    await bench.archiver.archive()
    await bench.source.sql('select pg_switch_wal()')
    await writer.writes(100)
    await writer.stop()
    moments = writer.moments
    idleAt = (await bench.archiver.archive()).at
  })

  afterAll(async () => {
    await bench?.close()
  })

  test(`every row committed before the target is there, and none after it (seed ${seed + server.major})`, async () => {
    const random = trials()[0]?.random ?? Math.random
    // As many at a time as there are slots.
    for (let number = 0; number < count; ) {
      const some = Array.from({ length: Math.min(2, count - number) }, () => number++)
      await Promise.all(
        some.map(async (each) => {
          const moment = moments[Math.floor(random() * moments.length)]
          const form = forms[(each + server.major) % forms.length]
          if (moment === undefined || form === undefined) throw new Error('there is no moment')
          const report = await bench.expectRows(`copy-${each}`, form(moment), moment.rows)
          expect(report).toMatchObject({
            timeline: 2,
            recovery: { timeline: 1, reached: { at: expect.stringMatching(/^20.*Z$/) } },
          })
        }),
      )
    }
  })

  test('a moment after the last commit, and the newest there is, are the end of what is archived', async () => {
    const rows = moments.length
    const [idle] = await Promise.all([bench.expectRows('idle', idleAt, rows), bench.expectRows('newest', 'latest', rows)])
    expect(idle.recovery).toMatchObject({ target: { kind: 'time' }, expected: { at: expect.any(String) } })
  })
})
