import { expect } from 'vitest'
import { type BackupId, parseInstanceName } from '../../src/domain/ids.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import type { Ending, Operation, Operations } from '../stand/operations.js'
import { leftSince } from '../stand/remains.js'
import { type Contents, contentsOfInstance, contentsOfSource, dropInstance, instancesOf } from '../stand/restored.js'
import type { Stand } from '../stand/stand.js'

/** A stand with a backup, and what was on it before any restore. */
export interface RestoreBench {
  readonly stand: Stand
  readonly operations: Operations
  readonly before: readonly string[]
  readonly contents: Contents | undefined
  /** The one backup there is. */
  readonly backup: BackupId
}

/** Takes one backup for many restores. A worker must be there. */
export async function prepareBench(stand: Stand, operations: Operations): Promise<RestoreBench> {
  const ending = await (await operations.backup()).ending
  if (ending.outcome === 'failed') throw new Error(`no backup to restore: ${ending.message}`)
  expect(ending.report).toMatchObject({ outcome: 'complete', attempts: 1 })
  const before = await leftSince(stand, [], 0)
  return { stand, operations, before, contents: await contentsOfSource(stand), backup: ending.report.backup }
}

/** Waits for a restore: it runs with the right contents, or it failed. In both cases nothing else is left of it. */
export async function expectRunningOrNothing(
  { stand, contents }: RestoreBench,
  name: string,
  restore: Operation<RestoreReport>,
): Promise<Ending<RestoreReport>> {
  const ending = await restore.ending
  const instance = await instancesOf(stand).find(parseInstanceName(name))
  if (ending.outcome === 'failed') {
    expect(instance, `instance ${name} after ${ending.code}: ${ending.message}`).toBeUndefined()
    return ending
  }
  expect(instance).toMatchObject({ name, state: 'RUNNING', timeline: 2 })
  expect(await contentsOfInstance(stand, ending.report)).toEqual(contents)
  await dropInstance(stand, name)
  return ending
}

/** After the last restore of a round: the stand is as it was. */
export async function expectNothingLeft({ stand, before }: RestoreBench): Promise<void> {
  expect(await leftSince(stand, before)).toEqual([])
}
