import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backupWorkflowId, workflowNames } from '../../src/domain/contract-names.js'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { startOperation } from '../../src/starters/start-operation.js'
import { createRandom } from '../stand/random.js'
import { endOf, startBackup } from './backup-run.js'
import { expectComplete } from './ends.js'
import { type KillStand, startKillStand } from './kill-stand.js'
import { holdAt } from './upload-moments.js'
import { expectWholeOrNothing, removeBackups } from './whole-or-nothing.js'

let stand: KillStand

/** While it is there, backups wait in their hook. */
let gate: string

beforeAll(async () => {
  gate = join(await mkdtemp(join(tmpdir(), 'gate-')), 'closed')
  const wait = ['sh', '-c', 'while [ -e "$0" ]; do sleep 0.1; done', gate]
  stand = await startKillStand({ atOnce: 2, hooks: { before: [wait] }, timeouts: { light: '2s' } })
}, 120_000)

afterAll(() => stand?.close())

test('a second backup of the same kind joins the first', { timeout: 120_000 }, async () => {
  const request = { system: 'shop1', kind: 'full', requestedBy: 'one', reason: 'first' }
  const operation = {
    workflow: workflowNames.backupSystem,
    workflowId: backupWorkflowId('shop1', 'full'),
    operation: 'backup' as const,
    system: 'shop1',
    summary: 'full backup of shop1',
  }
  const first = await startOperation(stand.client, { ...operation, request })
  const second = await startOperation(stand.client, {
    ...operation,
    request: { ...request, requestedBy: 'two', reason: 'second' },
  })
  expect(first.joined).toBe(false)
  expect(second.joined).toBe(true)
  const ends = await Promise.all([first, second].map(({ handle }) => endOf({ system: 'shop1', handle })))
  expect(ends[1]).toEqual(ends[0])
  expectComplete(ends)
  await expectWholeOrNothing(stand, ends.slice(0, 1), 'look at artifacts')
  await removeBackups(stand)
})

test('a second backup by another workflow is refused, and told who holds the system', { timeout: 120_000 }, async () => {
  await writeFile(gate, '')
  const first = await startBackup(stand, 'shop1')
  await untilHeld('shop1')
  const refused = await endOf(await startBackup(stand, 'shop1', 'backup/shop1/by-hand'))
  expect(refused).toMatchObject({ failure: expect.stringContaining(`held by ${backupWorkflowId('shop1', 'full')}`) })
  await rm(gate)
  const ends = [await endOf(first), refused]
  expectComplete(ends.slice(0, 1))
  await expectWholeOrNothing(stand, ends, 'look at artifacts')
  await removeBackups(stand)
})

test('two workers on one host share the work, and one that is killed leaves it to the other', { timeout: 120_000 }, async () => {
  const other = await stand.startWorker()
  const random = createRandom(Number(process.env.HOLDFAST_SEED ?? 1), 'two workers')
  try {
    const runs = await Promise.all(stand.systems.map((system) => startBackup(stand, system)))
    const held = await Promise.all(
      stand.systems.map((system) => holdAt(stand, { system }, random.pick(['before complete', 'before manifest']))),
    )
    await (random.next() < 0.5 ? stand.worker.kill() : other.kill())
    for (const request of held) request.release()
    const ends = await Promise.all(runs.map(endOf))
    expectComplete(ends)
    await other.kill()
    await stand.worker.ensure()
    await expectWholeOrNothing(stand, ends, 'restore')
    await removeBackups(stand)
  } finally {
    await other.kill()
  }
})

/** Until somebody has the system's lease. */
async function untilHeld(system: string): Promise<void> {
  const leases = await stand.composition.leases(parseSystemName(system), parseRepositoryName('local'))
  while ((await leases.live()).length === 0) await sleep(20)
}
