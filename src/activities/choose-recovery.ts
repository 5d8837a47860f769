import type { Composition } from '../composition/compose.js'
import { type ErrorCode, HoldfastError, toHoldfastError } from '../domain/errors.js'
import type { RestoreRequest } from '../domain/operations.js'
import { planRecovery, type RecoveryCandidate, type RecoveryDecision } from '../domain/plan-recovery.js'
import type { RestoreChoice } from '../domain/plans.js'
import { choiceOf, chooseOwnEnd } from './choose-own-end.js'
import { type Catalogs, describeUnread, type Unread } from './read-catalogs.js'
import { readWindow } from './read-window.js'

/**
 * Chooses the base and the archived WAL for a target, from what the repositories are proven to hold. `latest` without archived WAL is
 * the end of the newest backup.
 * @throws OUTSIDE_WINDOW with the window; what kept a repository from being read, where it might have had what is asked for
 */
export async function chooseRecovery(
  composition: Composition,
  request: RestoreRequest,
  catalogs: Catalogs,
): Promise<RestoreChoice> {
  const { target, timeline, base } = request
  const unread: Unread[] = [...catalogs.unread]
  const candidates: RecoveryCandidate[] = []
  for (const candidate of catalogs.candidates) {
    try {
      const manifests = candidate.manifests.filter(({ backup }) => !candidate.tombstoned.includes(backup))
      const window = await readWindow(composition, request.system, candidate.repository, manifests)
      candidates.push({ repository: candidate.repository, distance: candidate.distance, manifests, window })
    } catch (error) {
      unread.push({ where: `the archived WAL in ${candidate.repository}`, problem: toHoldfastError(error) })
    }
  }
  const plan = planRecovery({
    candidates,
    target,
    ...(timeline === undefined ? {} : { timeline }),
    ...(base === undefined ? {} : { base }),
  })
  const away = describeUnread(unread)
  const isPlain = target.kind === 'latest' && timeline === undefined && base === undefined
  if (plan.outcome === 'refused') {
    // Nothing to recover from at all: the refusal of a restore without WAL says what there is.
    if (isPlain && plan.code === 'NOT_FOUND') return chooseOwnEnd(catalogs, request, target)
    throw refusal(plan, unread, away)
  }
  const { manifest, sources, walSources, recovery, warnings } = plan
  const choice = choiceOf(manifest, sources, [...away, ...warnings])
  if (isPlain && recovery.pieces.length === 0) return choice
  return { ...choice, recovery, walSources, walSince: manifest.startedAt }
}

function refusal(
  plan: Extract<RecoveryDecision, { outcome: 'refused' }>,
  unread: readonly Unread[],
  away: readonly string[],
): HoldfastError {
  const reason = unread.find(({ problem }) => problem.retryable)?.problem
  const code: ErrorCode = reason?.code ?? plan.code
  const message = away.length === 0 ? plan.message : `${plan.message}; not read: ${away.join('; ')}`
  const hint = reason?.hint ?? plan.hint
  return new HoldfastError(code, message, hint === undefined ? {} : { hint })
}
