import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { RestoreRequest } from '../domain/operations.js'
import type { BackupTarget } from '../domain/plan-restore.js'
import type { RestoreChoice } from '../domain/plans.js'
import { chooseOwnEnd } from './choose-own-end.js'
import { chooseRecovery } from './choose-recovery.js'
import { readCatalogs } from './read-catalogs.js'

/** What a restore looks for. */
export type BackupQuestion = Pick<RestoreRequest, 'system' | 'target' | 'kind' | 'repository' | 'timeline' | 'base'>

/**
 * Reads the catalogues of the system's repositories, nearest first, and chooses the backup, the archived WAL to replay over it, and where
 * to read both from.
 * @throws what kept the wanted backup from being read, where that is why there is none; else the planner's refusal
 */
export async function chooseBackup(
  composition: Composition,
  request: BackupQuestion,
  signal: AbortSignal,
): Promise<RestoreChoice> {
  const { target } = request
  const asItIs = target.kind === 'backup' || request.kind === 'logical'
  const recovery = asItIs ? undefined : await chooseRecovery(composition, request, signal)
  return recovery ?? chooseOwnEnd(await readCatalogs(composition, request, signal), request, backupTarget(request))
}

function backupTarget({ target }: BackupQuestion): BackupTarget {
  if (target.kind === 'latest' || target.kind === 'backup') return target
  throw new HoldfastError('USAGE', 'a logical backup is restored as it is', { hint: 'use --to latest or backup:<id> with it' })
}
