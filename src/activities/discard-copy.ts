import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupId, RepositoryName } from '../domain/ids.js'

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
