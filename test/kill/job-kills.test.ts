import { expect, test } from 'vitest'
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
