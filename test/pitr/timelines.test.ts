import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { until } from '../wal/archive-bench.js'
import { type Standby, startStandby } from '../wal/standby.js'
import { openPitrBench, type PitrBench } from './pitr-bench.js'
import { type Moment, startWriter } from './writer.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

describe('restores across a failover to a standby that was behind, segments of 64 MB', () => {
  let bench: PitrBench
  const standbys: Standby[] = []
  /** Of the first row; of the last that came over; of one that did not, on the timeline that was left; of the new one's last. */
  let [first, kept, lost, newest]: Moment[] = []
  /** All that the old server committed. */
  let rowsOfOld = 0

  beforeAll(async () => {
    bench = await openPitrBench({
      server: { major: 18, walSegmentSizeMb: 64 },
      ballast: 2000,
      async standby(source) {
        standbys.push(await startStandby(source))
        return standbys[0] as Standby
      },
    })
    const [standby] = standbys as [Standby]
    const writer = await startWriter(bench.source)
    const before = await writer.writes(60)
    first = writer.moments[0]
    await until('the standby to have it', async () => {
      const [row] = await standby.sql<{ done: boolean }>(`select pg_last_wal_replay_lsn() >= '${before.lsn}' as done`)
      return row?.done === true ? true : undefined
    })
    await cutOff(standby)
    lost = await writer.writes(60)
    await writer.writes(20)
    await writer.stop()
    rowsOfOld = writer.moments.length
    await bench.archiver.archive()
    await bench.source.stop('immediate')
    await standby.promote()
    const [row] = await standby.sql<{ rows: number }>('select max(number) as rows from numbered')
    kept = writer.moments[(row?.rows ?? 0) - 1]
    await bench.backup()
    const goingOn = await startWriter({ ...bench.source, port: standby.port }, (row?.rows ?? 0) + 1)
    newest = await goingOn.writes(60)
    await goingOn.stop()
    newest = goingOn.moments.at(-1)
    await bench.archiver.archive(standby)
  })

  afterAll(async () => {
    await bench?.close()
    for (const standby of standbys) await standby.dispose()
  })

  function known(moment: Moment | undefined): Moment {
    if (moment === undefined) throw new Error('there is no such moment')
    return moment
  }

  test('the newest there is lies on the new timeline, and what had come over by a moment is had along it where it is named', async () => {
    const [latest, before] = await Promise.all([
      bench.expectRows('newest', 'latest', known(newest).rows),
      bench.expectRows('between', known(lost).at, known(kept).rows, { timeline: 2 }),
    ])
    expect(latest).toMatchObject({ timeline: 3, recovery: { timeline: 2 } })
    expect(before).toMatchObject({ timeline: 3, recovery: { timeline: 2 }, backup: bench.base })
  })

  test('what did not come over is on the timeline that was left: its moments are restored along it with a word, its end where it is named', async () => {
    const [end, moment] = await Promise.all([
      bench.expectRows('left', 'latest', rowsOfOld, { timeline: 1 }),
      bench.expectRows('left-at', known(lost).at, known(lost).rows),
    ])
    expect(moment.problems).toEqual(expect.arrayContaining([expect.stringContaining('it is restored along timeline 1')]))
    for (const report of [end, moment]) expect(report).toMatchObject({ recovery: { timeline: 1 }, backup: bench.base })
    // Its own timeline is not the one the standby took.
    for (const report of [end, moment]) expect(report.timeline).toBe(3)
  })

  test('a name that lies before the newest backup is found from an older one, as its refusal says', async () => {
    const target = `name:${known(first).name}`
    const [ending] = await Promise.all([
      bench.restore('too-new', target),
      bench.expectRows('older', target, known(first).rows, { base: bench.base }),
    ])
    expect(ending).toMatchObject({
      outcome: 'failed',
      code: 'OUTSIDE_WINDOW',
      message: expect.stringContaining('is not between'),
    })
  })

  test('where the history of the new timeline is missing, its moments are taken from another repository, or refused, and the default says that it does without', async () => {
    const wal = join(bench.stand.directory, 'local', 'shop', 'wal')
    const history = (await readdir(wal, { recursive: true })).find((name) => basename(name).startsWith('00000002.history'))
    if (history === undefined) throw new Error('there is no history')
    await rm(join(wal, history))
    const to = known(newest).at
    const asked = bench.stand.proxy.requests.length
    const alone = await bench.restore('alone', to, { repository: parseRepositoryName('local') })
    const message = expect.stringContaining('00000002.history')
    expect(alone).toMatchObject({ outcome: 'failed', code: 'OUTSIDE_WINDOW', message })
    expect(bench.stand.proxy.requests.slice(asked).filter(({ key }) => key.includes('_full_'))).toEqual([])
    const plain = await bench.restore('plain', 'latest', { repository: parseRepositoryName('local') })
    const left = expect.stringMatching(/^local: 00000002\.history is missing, so what follows .* is not restored$/)
    expect(plain).toMatchObject({ outcome: 'done', report: { problems: expect.arrayContaining([left]) } })
    const report = await bench.expectRows('other', to, known(newest).rows)
    expect(report.recovery).toMatchObject({ timeline: 2 })
  })
})

/** It receives nothing more, and does not know that there is more. */
async function cutOff(standby: Standby): Promise<void> {
  await standby.sql(`alter system set primary_conninfo = ''`)
  await standby.sql('select pg_reload_conf()')
  await until('the end of the receiver', async () => {
    const receivers = await standby.sql('select from pg_stat_wal_receiver')
    return receivers.length === 0 ? true : undefined
  })
}
