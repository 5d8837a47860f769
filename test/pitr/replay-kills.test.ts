import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import { jobDirectory } from '../../src/jobs/job-directory.js'
import { prefetchJobName } from '../../src/jobs/job-spec.js'
import type { Operation } from '../stand/operations.js'
import { processesWithArgument } from '../stand/process-table.js'
import { leftSince, remainsOf } from '../stand/remains.js'
import { dropInstance } from '../stand/restored.js'
import { extractPid, killAndBury, killNow, postmasterPid, whenThere } from '../stand/trial-processes.js'
import { trials } from '../stand/trials.js'
import { openPitrBench, type PitrBench, rowsOf } from './pitr-bench.js'
import { type Moment, startWriter } from './writer.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** Each has a backup fetched and WAL delivered slowly enough for a middle of everything. */
const rounds = trials().slice(0, process.env.HOLDFAST_TEST_LONG === '1' ? 20 : 1)

describe('replay, and what may happen meanwhile', () => {
  let bench: PitrBench
  let last: Moment
  let before: readonly string[]

  beforeAll(async () => {
    bench = await openPitrBench({
      server: { major: 15, walSegmentSizeMb: 1 },
      stand: { timeouts: { heartbeat: '2s' } },
      ballast: 200_000,
      archiver: 'test',
    })
    const writer = await startWriter(bench.source)
    await writer.writes(200)
    await writer.stop()
    // After it comes more: a target nothing comes after takes a second start of the server.
    last = writer.moments.at(-2) as Moment
    await bench.archiver.archive()
    before = await remainsOf(bench.stand)
  })

  afterAll(async () => {
    await bench?.close()
  })

  const slowly = async (name: string) => {
    bench.stand.proxy.limitRate(3 * 1024 * 1024)
    const target = parseRestoreTarget(`lsn:${last.lsn}`)
    const restore = await bench.operations.restore(name, { target, repository: parseRepositoryName('primary') })
    const inTime = async <T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> => {
      const found = await whenThere(ask, restore.ending)
      if (found === undefined) throw new Error(`the restore was over before: ${JSON.stringify(await restore.ending)}`)
      return found
    }
    return { restore, inTime, fullSpeed: () => bench.stand.proxy.limitRate(64 * 1024 * 1024) }
  }

  async function expectWhole(name: string, restore: Operation<RestoreReport>): Promise<void> {
    const ending = await restore.ending
    if (ending.outcome === 'failed') throw new Error(`${ending.code}: ${ending.message}`)
    expect(await rowsOf(bench.source, ending.report)).toEqual({ rows: last.rows, last: last.rows, unfinished: null })
    await dropInstance(bench.stand, name)
    expect(await leftSince(bench.stand, before)).toEqual([])
  }

  test.each(rounds)(
    'a restore goes on after its extraction, its delivery, its server and its worker were killed: round $number (seed $seed)',
    async (trial) => {
      const name = `killed-${trial.number}`
      const { restore, inTime, fullSpeed } = await slowly(name)
      const { stand } = bench
      killNow(await inTime(() => extractPid(stand, name)))
      const server = await inTime(() => postmasterPid(stand, name))
      const { spec } = jobDirectory(stand.stateDirectory, prefetchJobName(name))
      await sleep(trial.delayMs(2000))
      const [delivery] = processesWithArgument(spec).filter(({ args }) => !args[0]?.endsWith('flock'))
      if (delivery === undefined) throw new Error('nobody delivers')
      killNow(delivery.pid)
      await sleep(trial.delayMs(2000))
      await killAndBury(server)
      await sleep(trial.delayMs(3000))
      await bench.worker.kill()
      bench.worker = await stand.startWorker()
      fullSpeed()
      await expectWhole(name, restore)
    },
  )

  test('a restore goes on after its worker was stopped during replay', async () => {
    const { restore, inTime, fullSpeed } = await slowly('stopped')
    await inTime(async () => {
      const { raw } = await restore.handle.describe()
      const following = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'followReplay')
      return following?.lastStartedTime ? true : undefined
    })
    await bench.worker.stop()
    bench.worker = await bench.stand.startWorker()
    fullSpeed()
    await expectWhole('stopped', restore)
  })

  test('a store that is away for a while delays replay, and costs nothing else', async () => {
    const { stand } = bench
    const { restore, inTime, fullSpeed } = await slowly('delayed')
    const server = await inTime(() => postmasterPid(stand, 'delayed'))
    await stand.proxy.pause()
    await inTime(async () => {
      const { raw } = await restore.handle.describe()
      const delivery = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'deliverWal')
      return (delivery?.attempt ?? 0) >= 3 ? true : undefined
    })
    expect(await postmasterPid(stand, 'delayed')).toBe(server)
    fullSpeed()
    await stand.proxy.resume()
    expect(await restore.ending).toMatchObject({
      outcome: 'done',
      report: { recovery: { reached: { lsn: expect.any(String) } } },
    })
    // It has waited all the time, and was never started again.
    expect(await postmasterPid(stand, 'delayed')).toBe(server)
    await expectWhole('delayed', restore)
  })
})
