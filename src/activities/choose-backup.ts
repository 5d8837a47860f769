import type { Composition } from '../composition/compose.js'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import type { BackupId, RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { RestoreRequest } from '../domain/operations.js'
import { planRestore, type RestoreDecision } from '../domain/plan-restore.js'
import type { RestoreChoice } from '../domain/plans.js'

/** What a restore looks for. */
export type BackupQuestion = Pick<RestoreRequest, 'system' | 'target' | 'kind' | 'repository'>

/**
 * Reads the catalogues of the system's repositories, nearest first, and chooses the backup and where to read it from.
 * @throws what kept the wanted backup from being read, where that is why there is none; else the planner's refusal
 */
export async function chooseBackup(composition: Composition, request: BackupQuestion): Promise<RestoreChoice> {
  const system = composition.system(request.system)
  const names = request.repository === undefined ? system.repositories : [request.repository]
  const unread: Unread[] = []
  const candidates = []
  for (const [distance, repository] of nearestFirst(names, system.captureRepository).entries()) {
    try {
      candidates.push({ repository, distance, ...(await readCatalog(composition, repository, request, unread)) })
    } catch (error) {
      unread.push({ where: repository, problem: toHoldfastError(error) })
    }
  }
  const away = unread.map(({ where, problem }) => `${where}: ${problem.message} (${problem.code})`)
  if (candidates.length === 0) {
    const reason = (unread.find(({ problem }) => problem.retryable) ?? unread[0])?.problem
    const message = `no repository of ${request.system} can be read: ${away.join('; ')}`
    throw new HoldfastError(reason?.code ?? 'NOT_FOUND', message, reason === undefined ? {} : { hint: reason.hint })
  }
  const plan = planRestore({ candidates, target: request.target, kind: request.kind ?? 'full' })
  if (plan.outcome === 'refused') throw refusal(plan, request, unread, away)
  const { manifest, sources, warnings } = plan
  return {
    backup: manifest.backup,
    sources,
    dataBytes: manifest.facts.dataBytes,
    storedBytes: manifest.artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0),
    stoppedAt: manifest.stoppedAt,
    ...('dumps' in manifest.facts ? {} : { timeline: manifest.facts.timeline }),
    away: [...away, ...warnings],
  }
}

/** A whole repository, or one backup in it. */
interface Unread {
  readonly where: string
  /** Absent: nothing in the repository could be read. */
  readonly backup?: BackupId
  readonly problem: HoldfastError
}

/** A backup that is there and cannot be read is not one that is not there. */
function refusal(
  plan: Extract<RestoreDecision, { outcome: 'refused' }>,
  { system, target }: BackupQuestion,
  unread: readonly Unread[],
  away: readonly string[],
): HoldfastError {
  const message = away.length === 0 ? plan.message : `${plan.message}; not read: ${away.join('; ')}`
  if (plan.code !== 'NOT_FOUND') return new HoldfastError(plan.code, message)
  const ofBackup = unread.find(({ backup }) => backup !== undefined && (target.kind === 'latest' || backup === target.backup))
  if (ofBackup !== undefined) {
    const what = target.kind === 'latest' ? `no backup of ${system} can be read` : `backup ${target.backup} cannot be read`
    const { code, hint } = ofBackup.problem
    return new HoldfastError(code, `${what}: ${away.join('; ')}`, { hint })
  }
  const reason = unread.find(({ backup }) => backup === undefined)?.problem
  return reason === undefined
    ? new HoldfastError(plan.code, message)
    : new HoldfastError(reason.code, message, { hint: reason.hint })
}

function nearestFirst(names: readonly RepositoryName[], capture: RepositoryName): RepositoryName[] {
  return names.toSorted((a, b) => Number(b === capture) - Number(a === capture))
}

async function readCatalog(composition: Composition, repository: RepositoryName, request: BackupQuestion, unread: Unread[]) {
  const catalog = await composition.catalog(repository)
  const manifests: Manifest[] = []
  for await (const entry of catalog.list({ system: request.system })) {
    if ('problem' in entry) {
      unread.push({ where: `${entry.id} in ${repository}`, backup: entry.id, problem: entry.problem })
    } else {
      manifests.push(entry.manifest)
    }
  }
  return { manifests, tombstoned: await catalog.tombstoned(request.system) }
}
