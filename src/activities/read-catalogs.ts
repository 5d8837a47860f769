import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupId, RepositoryName, SystemName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { RestoreCandidate } from '../domain/plan-restore.js'
import { type Asked, askRepositories } from './ask-repositories.js'
import type { BackupQuestion } from './choose-backup.js'

/** A whole repository, or one backup in it, that could not be read. */
export interface Unread {
  readonly where: string
  /** Absent: nothing in the repository could be read. */
  readonly backup?: BackupId
  readonly problem: HoldfastError
}

export interface Catalogs {
  /** Nearest first. */
  readonly candidates: readonly RestoreCandidate[]
  readonly unread: readonly Unread[]
}

/**
 * Reads the catalogues of the repositories a restore may read from, nearest first.
 * @throws what kept them from being read, when none of them could be
 */
export async function readCatalogs(composition: Composition, request: BackupQuestion, signal: AbortSignal): Promise<Catalogs> {
  const unread: Unread[] = []
  const candidates: RestoreCandidate[] = []
  const asking = { composition, repositories: repositoriesOf(composition, request), share: 3 / 8, signal }
  for (const read of await askRepositories(asking, (asked) => readCatalog(asked, request))) {
    if ('problem' in read) {
      unread.push(read)
      continue
    }
    const { repository, distance, answer } = read
    candidates.push({ repository, distance, manifests: answer.manifests, tombstoned: answer.tombstoned })
    unread.push(...answer.unread)
  }
  if (candidates.length > 0) return { candidates, unread }
  throw noneRead(request.system, unread)
}

/** @param unread every repository there is */
export function noneRead(system: SystemName, unread: readonly Unread[]): HoldfastError {
  const reason = (unread.find(({ problem }) => problem.retryable) ?? unread[0])?.problem
  const message = `no repository of ${system} can be read: ${describeUnread(unread).join('; ')}`
  return new HoldfastError(reason?.code ?? 'NOT_FOUND', message, reason === undefined ? {} : { hint: reason.hint })
}

/** Those a restore may read from, nearest first. */
export function repositoriesOf(composition: Composition, request: BackupQuestion): RepositoryName[] {
  const { repositories, captureRepository } = composition.system(request.system)
  const names = request.repository === undefined ? repositories : [request.repository]
  return names.toSorted((a, b) => Number(b === captureRepository) - Number(a === captureRepository))
}

export function describeUnread(unread: readonly Unread[]): string[] {
  return unread.map(({ where, problem }) => `${where}: ${problem.message} (${problem.code})`)
}

async function readCatalog(
  { catalog, repository, signal }: Asked,
  request: BackupQuestion,
): Promise<Pick<RestoreCandidate, 'manifests' | 'tombstoned'> & { readonly unread: readonly Unread[] }> {
  const manifests: Manifest[] = []
  const unread: Unread[] = []
  for await (const entry of catalog.list({ system: request.system }, { signal })) {
    if ('problem' in entry) {
      unread.push({ where: `${entry.id} in ${repository}`, backup: entry.id, problem: entry.problem })
    } else {
      manifests.push(entry.manifest)
    }
  }
  return { manifests, tombstoned: await catalog.tombstoned(request.system, { signal }), unread }
}
