import { Context } from '@temporalio/activity'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { followReplay } from '../../src/activities/follow-replay.js'
import { createRestoreActivities } from '../../src/activities/restore-activities.js'
import type { Composition } from '../../src/composition/compose.js'
import type { Engine, RecoverOutcome } from '../../src/engines/engine.js'
import type { Provisioner } from '../../src/provisioners/provisioner.js'

test('a server that does not start at once after it was killed is given time', async () => {
  const startedAt: number[] = []
  const provisioner = {
    stop: async () => {},
    start: async () => void startedAt.push(performance.now()),
  } as unknown as Provisioner
  const endings: RecoverOutcome[] = Array.from({ length: 3 }, () => ({ outcome: 'start-again', why: 'the server was killed' }))
  const recover = async () => endings.shift() ?? { outcome: 'recovered', timeline: 2 }
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
  const request = { instance: { name: 'copy' } } as never
  const recovered = await environment.run(() =>
    followReplay({ engine: { recover } as unknown as Engine, provisioner, request, context: Context.current() }),
  )
  expect(recovered).toEqual({ timeline: 2 })
  const [first = 0, second = 0, third = 0] = startedAt
  expect(startedAt).toHaveLength(3)
  expect(second - first).toBeGreaterThan(400)
  expect(third - second).toBeGreaterThan(900)
})

test('a repository that stays silent while the manifest is read is not taken for a worker that is dead', async () => {
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 30 }, { logger: new DefaultLogger('ERROR') })
  const alive = new Promise((resolve) => environment.once('heartbeat', resolve))
  const composition = {
    provisioner: { find: async () => ({ name: 'copy' }) },
    readManifest: () => alive,
    engine: async () => ({ recover: async () => ({ outcome: 'recovered', timeline: 2 }) }),
  } as unknown as Composition
  const { followReplay: follow } = createRestoreActivities(composition)
  const input = { request: { instance: 'copy', system: 'shop' }, choice: { backup: 'b', sources: [] } } as never
  expect(await environment.run(follow, input)).toEqual({ timeline: 2 })
})
