import type { Conditions } from '../../domain/condition.js'
import type { RepositoryName } from '../../domain/ids.js'
import { compareLsn, formatLsn, type Lsn, lsnToBytes } from '../../domain/lsn.js'
import { formatBytes } from '../../domain/quantity.js'
import { comparePositions, forgettable, type WalPosition } from '../../domain/wal-position.js'
import type { Guard, WalServer, WalSource } from '../../engines/wal-source.js'
import { guardOthers } from './guard-others.js'
import type { Archived, SpoolState } from './spool.js'

interface GuardKeeping {
  readonly source: WalSource
  readonly server: WalServer
  readonly state: SpoolState
  readonly archived: ReadonlyMap<RepositoryName, Archived>
  readonly required: readonly RepositoryName[]
  readonly conditions: Conditions
  /** Of the spool: while that is full, a server without a bound of its own keeps no more for us. */
  readonly maximumBytes: number
  readonly isSpoolFull: boolean
  readonly signal: AbortSignal
}

/** The rest of what the server may keep; below it the server's disk, or the promise, is about to break. */
const lastPart = 1 / 4

/**
 * Lets the server forget what all required repositories hold. When it has kept nearly as much as it may, production comes before our
 * gap: it may forget what lies durable in the spool, and a condition says so. A server that would keep WAL until its disk is full is let go
 * even further once the spool takes no more, as one with a bound would do by itself.
 * @throws as `guardOthers`
 */
export async function keepGuard(keeping: GuardKeeping): Promise<Guard> {
  const { source, server, state, conditions, signal } = keeping
  const guard = await source.ensureGuard(server, signal)
  noteLoss(guard, conditions)
  const held = heldByRequired(keeping)
  const archivedTo = held === undefined ? undefined : forgettable(held, server.history)
  const spooledTo = isNearlyFull(guard, keeping.maximumBytes) ? forgettable(state.received, server.history) : undefined
  const isAhead = spooledTo !== undefined && compareLsn(spooledTo, archivedTo ?? guard.restartLsn) > 0
  const durableTo = isAhead ? spooledTo : archivedTo
  const lostTo = beyondBound(keeping, guard, durableTo)
  const target = lostTo ?? durableTo
  if (lostTo !== undefined) {
    const message = `${server.label} had kept ${formatBytes(guard.keptBytes)} of WAL and the spool is full: it was let go up to ${lostTo}, and what was not received up to there is lost`
    const hint = `bring the repositories back; ${server.label} has no bound of its own for what it keeps: set max_slot_wal_keep_size`
    conditions.raise('guard', 'WAL_SLOT_LOST', message, hint)
  } else if (isAhead) {
    const message = `${server.label} had kept ${formatBytes(guard.keptBytes)} of WAL, nearly all it may: it was let go up to ${spooledTo}, which lies in the spool alone`
    conditions.raise('guard', 'WAL_GUARD_LOCAL', message)
  } else if (archivedTo !== undefined && compareLsn(archivedTo, guard.restartLsn) >= 0) conditions.clear('guard')
  if (target !== undefined) await source.advanceGuard(server, target, signal)
  await guardOthers(keeping, target)
  return target !== undefined && compareLsn(target, guard.restartLsn) > 0 ? { ...guard, restartLsn: target } : guard
}

function beyondBound({ isSpoolFull, maximumBytes }: GuardKeeping, guard: Guard, durableTo: Lsn | undefined): Lsn | undefined {
  const { restartLsn, keptBytes, safeBytes } = guard
  if (!isSpoolFull || safeBytes !== undefined || keptBytes <= maximumBytes) return undefined
  const bound = formatLsn(lsnToBytes(restartLsn) + BigInt(Math.floor(keptBytes - maximumBytes * (1 - lastPart))))
  return durableTo === undefined || compareLsn(bound, durableTo) > 0 ? bound : undefined
}

/** Told for a while: whether WAL is missing shows by itself. */
const lossToldMs = 3_600_000

export function noteLoss(guard: Guard, conditions: Conditions): void {
  if (guard.state === 'ensured') {
    conditions.clearOlder('slot', lossToldMs)
    return
  }
  const what = guard.state === 'lost' ? 'the server had dropped WAL it was to keep' : 'the replication slot was gone'
  conditions.raise('slot', 'WAL_SLOT_LOST', `${what}; it was made anew at ${guard.restartLsn}`)
}

/** The least that any of them holds; undefined while one of them has not begun. */
function heldByRequired({ archived, required, state }: GuardKeeping): WalPosition | undefined {
  const positions = required
    .map((name) => archived.get(name))
    .map((each) => (each?.spool === state.id ? each.position : undefined))
  return positions.reduce((least, each) =>
    least === undefined || each === undefined ? undefined : comparePositions(least, each) <= 0 ? least : each,
  )
}

function isNearlyFull({ keptBytes, safeBytes }: Guard, maximumBytes: number): boolean {
  if (safeBytes === undefined) return keptBytes > maximumBytes * (1 - lastPart)
  return safeBytes < (keptBytes + safeBytes) * lastPart
}
