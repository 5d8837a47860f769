import { utimes } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { presenceFile, showPresence } from '../../src/jobs/worker-presence.js'
import { codeOf } from '../catalog/sample-manifest.js'
import { type JobBench, openJobBench } from './job-bench.js'

/* Real processes, with a patience of two seconds. */

let bench: JobBench

beforeAll(async () => {
  bench = await openJobBench({ timeouts: { jobPatience: '2s' } })
})

afterAll(async () => {
  await bench?.close()
})

test('without a worker jobs end by themselves: a capture is lost, a replication is to be started again', async () => {
  const specs = [bench.capture('a1'), bench.idle('a3')]
  expect(await Promise.all(specs.map((spec) => codeOf(() => bench.attach(spec))))).toEqual(['CAPTURE_LOST', 'JOB_LOST'])
})

test('a worker that shows itself keeps a job alive, and its absence is counted from the last time', async () => {
  const presence = await showPresence(bench.stateDirectory)
  const spec = bench.idle('a2')
  let [pulses, seen] = [0, Date.now()]
  const ended = codeOf(() =>
    bench.attach(spec, {
      onPulse() {
        pulses += 1
        // For about twice the patience.
        if (pulses > 4) return
        seen = Date.now()
        void utimes(presenceFile(bench.stateDirectory), new Date(), new Date())
      },
    }),
  )
  expect(await ended).toBe('JOB_LOST')
  expect(pulses).toBeGreaterThan(4)
  expect(Date.now() - seen).toBeGreaterThan(1900)
  presence.stop()
})
