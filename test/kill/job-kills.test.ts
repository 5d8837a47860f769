import { expect, test } from 'vitest'
import { awaitJob, killJob } from '../stand/job-processes.js'
import { endOf, startBackup } from './backup-run.js'
import { expectComplete } from './ends.js'
import { killsOf } from './kills.js'
import { expectWholeOrNothing, removeBackups } from './whole-or-nothing.js'

const standOf = killsOf('job')

test('an upload that the store began twice, because its answer was lost, leaves nothing', { timeout: 120_000 }, async () => {
  const stand = standOf()
  const aborts = () => stand.proxy.requests.filter(({ operation, status }) => operation === 'Abort' && status === 204).length
  const before = aborts()
  stand.proxy.loseNextAnswer(({ operation, key }) => operation === 'Begin' && key.startsWith('shop1/'), 500)
  const ends = [await endOf(await startBackup(stand, 'shop1'))]
  expectComplete(ends)
  expect(aborts() - before).toBe(1)
  await expectWholeOrNothing(stand, ends, 'look at artifacts')
  await removeBackups(stand)
})

test('what a lost capture sent to a store that is away since keeps the next one from nothing, and is removed', {
  timeout: 120_000,
}, async () => {
  const stand = standOf()
  const job = (attempt: string) => ({ kind: 'capture', system: 'shop1', attempt }) as const
  const held = stand.proxy.hold(({ operation, key }) => operation === 'PutPart' && key.startsWith('shop1/'))
  const backup = await startBackup(stand, 'shop1')
  const part = await held
  await stand.proxy.pause()
  await killJob(await awaitJob(stand.stateDirectory, job('a1')))
  part.release()
  // Before all tries of the removal are over.
  await awaitJob(stand.stateDirectory, job('a2'), 40_000)
  await stand.proxy.resume()
  const ends = [await endOf(backup)]
  expect(ends).toMatchObject([{ report: { outcome: 'complete', attempts: 2, warnings: [] } }])
  await expectWholeOrNothing(stand, ends, 'look at artifacts')
  await removeBackups(stand)
})
