import { setTimeout as delay } from 'node:timers/promises'
import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupId, RepositoryName } from '../domain/ids.js'

/** A store may finish a request after its sender has ended: seen after 0.4 s. */
const lateMs = 1000

/**
 * Removes what an attempt left in one repository.
 * `committed`: the manifest is there after all (its answer was lost), so everything stays.
 */
export async function discardCopy(
  composition: Composition,
  repository: RepositoryName,
  backup: BackupId,
  attempt: string,
): Promise<'removed' | 'committed'> {
  try {
    await (await composition.catalog(repository)).removeAttempt(backup, attempt)
    return 'removed'
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'ALREADY_EXISTS') return 'committed'
    throw error
  }
}

/** The same for what a job sent: looks again for what came late. */
export async function discardSentCopy(
  composition: Composition,
  repository: RepositoryName,
  backup: BackupId,
  attempt: string,
  signal: AbortSignal,
): Promise<'removed' | 'committed'> {
  if ((await discardCopy(composition, repository, backup, attempt)) === 'committed') return 'committed'
  await delay(lateMs, undefined, { signal })
  return discardCopy(composition, repository, backup, attempt)
}
