import { HoldfastError } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import { type BackupTarget, planRestore, type RestoreDecision } from '../domain/plan-restore.js'
import type { RestoreChoice } from '../domain/plans.js'
import type { BackupQuestion } from './choose-backup.js'
import { type Catalogs, describeUnread } from './read-catalogs.js'

/**
 * A backup to its own end.
 * @throws what kept the wanted backup from being read, where that is why there is none; else the planner's refusal
 */
export function chooseOwnEnd({ candidates, unread }: Catalogs, request: BackupQuestion, target: BackupTarget): RestoreChoice {
  const plan = planRestore({ candidates, target, kind: request.kind ?? 'full' })
  if (plan.outcome === 'refused') throw refusal(plan, request.system, target, { candidates, unread })
  const { manifest, sources, warnings } = plan
  return choiceOf(manifest, sources, [...describeUnread(unread), ...warnings])
}

export function choiceOf(manifest: Manifest, sources: readonly RepositoryName[], away: readonly string[]): RestoreChoice {
  return {
    backup: manifest.backup,
    sources,
    dataBytes: manifest.facts.dataBytes,
    storedBytes: manifest.artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0),
    stoppedAt: manifest.stoppedAt,
    ...('dumps' in manifest.facts ? {} : { timeline: manifest.facts.timeline }),
    away,
  }
}

/** A backup that is there and cannot be read is not one that is not there. */
function refusal(
  plan: Extract<RestoreDecision, { outcome: 'refused' }>,
  system: string,
  target: BackupTarget,
  { unread }: Catalogs,
): HoldfastError {
  const away = describeUnread(unread)
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
