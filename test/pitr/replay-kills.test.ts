import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import { jobDirectory } from '../../src/jobs/job-directory.js'
import { prefetchJobName } from '../../src/jobs/job-spec.js'
import { dropInstance } from '../stand/restored.js'
import { processesWithArgument } from '../stand/stand-processes.js'
import { killAndBury, killNow, postmasterPid, whenThere } from '../stand/trial-processes.js'
import { openPitrBench, type PitrBench, rowsOf } from './pitr-bench.js'
import { type Moment, startWriter } from './writer.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const rounds = process.env.HOLDFAST_TEST_LONG === '1' ? 10 : 1

describe('kills during replay', () => {
  let bench: PitrBench
  let last: Moment

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
    last = await writer.writes(0)
    await bench.archiver.archive()
  })

  afterAll(async () => {
    await bench?.close()
  })

  test.each(Array.from({ length: rounds }, (_, round) => round))(
    'a restore goes on after its delivery, its worker and its server were killed, each in the middle of replay: round %i',
    async (round) => {
      const name = `killed-${round}`
      // Slow enough for a middle.
      bench.stand.proxy.limitRate(3 * 1024 * 1024)
      const target = parseRestoreTarget(`lsn:${last.lsn}`)
      const restore = await bench.operations.restore(name, { target, repository: parseRepositoryName('primary') })
      const { spec } = jobDirectory(bench.stand.stateDirectory, prefetchJobName(name))
      const server = await whenThere(() => postmasterPid(bench.stand, name), restore.ending)
      if (server === undefined) throw new Error(`the restore was over before: ${JSON.stringify(await restore.ending)}`)
      const [delivery] = (await processesWithArgument(spec)).filter(({ args }) => !args[0]?.endsWith('flock'))
      if (delivery === undefined) throw new Error('nobody delivers')
      await sleep(1000)
      killNow(delivery.pid)
      await sleep(1000)
      await killAndBury(server)
      await sleep(1500)
      await bench.worker.kill()
      bench.worker = await bench.stand.startWorker()
      bench.stand.proxy.limitRate(64 * 1024 * 1024)
      const ending = await restore.ending
      expect(ending).toMatchObject({ outcome: 'done' })
      if (ending.outcome === 'failed') return
      expect(await rowsOf(bench.source, ending.report)).toEqual({ rows: last.rows, last: last.rows, unfinished: null })
      await dropInstance(bench.stand, name)
    },
  )
})
