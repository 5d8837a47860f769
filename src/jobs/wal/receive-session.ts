import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { WalConfig } from '../../config/config.js'
import type { Conditions } from '../../domain/condition.js'
import { HoldfastError } from '../../domain/errors.js'
import { parseObjectKey, type RepositoryName } from '../../domain/ids.js'
import { compareLsn, type Lsn } from '../../domain/lsn.js'
import { formatBytes } from '../../domain/quantity.js'
import { comparePositions, guardedFrom, planWalStart } from '../../domain/wal-position.js'
import type { Guard, WalLook, WalServer, WalSource } from '../../engines/wal-source.js'
import { keepGuard, noteLoss } from './keep-guard.js'
import { lackOfRoom, makeRoom, readAllArchived } from './keep-room.js'
import { refuseOtherTimeline } from './refuse-other-history.js'
import type { Sealing } from './seal-file.js'
import { sealReceived } from './seal-received.js'
import type { Spool, SpoolState } from './spool.js'
import { takeSample } from './take-sample.js'
import { watchClock } from './watch-clock.js'

export interface Reception {
  readonly source: WalSource
  readonly spool: Spool
  readonly sealing: Sealing
  readonly wal: WalConfig
  /** All of the system. */
  readonly repositories: readonly RepositoryName[]
  readonly conditions: Conditions
  readonly tell: (seen: Seen) => void
}

export interface Seen {
  readonly server: WalServer
  readonly state: SpoolState
  readonly guard: Guard
}

/** `after-gap`: the server has said that what comes next is gone; it goes on with what the server still has. */
export type SessionStart = 'where it was' | 'after-gap'

const tickMs = 250
/** The guard, the spool's room and the repositories are looked at this often, or as often as marks are made. */
const lookEveryMs = 5_000

/**
 * Receives from one server until something ends it: the server goes away, was demoted or has a successor, the spool is full or was
 * removed, what came is not what it should be. Whatever it was, the next session begins from what is on disk and what the server keeps.
 */
export async function receiveSession(reception: Reception, how: SessionStart, signal: AbortSignal): Promise<never> {
  const { source, spool, sealing, wal } = reception
  const server = await source.find(signal)
  await spool.make()
  // What a killed receiver was sealing: there is no other.
  await spool.store.growing.discard(parseObjectKey(`${sealing.system}/wal`))
  const known = await spool.readState()
  refuseForeign(known, server)
  await refuseOtherTimeline(spool, server)
  let guard = await firstGuard(reception, server, known, signal)
  // What is sealed first needs room, too; and where there is none, production comes before our gap all the same.
  if (known !== undefined) await makeRoom(reception, known)
  let state = await begin(reception, server, guard, known, how, signal)
  guard = await keepHouse(reception, server, state, signal)
  const ending = new AbortController()
  const receiving = await source.receive(server, state.received, spool.incoming, AbortSignal.any([signal, ending.signal]))
  let [lookAtMs, markAtMs] = [0, 0]
  try {
    for (;;) {
      await Promise.race([receiving.ended, delay(tickMs, undefined, { signal })])
      if ((await spool.readState())?.id !== state.id)
        throw new HoldfastError('LOCAL_IO', `the spool ${spool.directory} was removed`)
      state = await sealReceived({ sealing, source }, state)
      const nowMs = performance.now()
      if (nowMs >= lookAtMs) {
        lookAtMs = nowMs + Math.min(lookEveryMs, wal.markIntervalMs)
        const look = await source.look(server, signal)
        watchClock(reception.conditions, server, look, Date.now())
        refuseSuccessor(server, look)
        if (look.receivedLsn !== undefined) reception.conditions.clear('receiving')
        if (nowMs >= markAtMs) {
          markAtMs = nowMs + wal.markIntervalMs
          state = await takeSample({ source, server, sealing, toldUntil: await toldUntil(reception, state) }, state, look)
        }
        guard = await keepHouse(reception, server, state, signal)
      }
      reception.tell({ server, state, guard })
    }
  } finally {
    ending.abort(new HoldfastError('STOPPED', 'receiving was ended'))
    await receiving.ended.catch(() => undefined)
  }
}

function refuseForeign(known: SpoolState | undefined, server: WalServer): void {
  if (known === undefined) return
  const same = known.systemIdentifier === server.systemIdentifier && known.segmentSizeBytes === server.segmentSizeBytes
  if (same) return
  const message = `${server.label} is the cluster ${server.systemIdentifier} with segments of ${formatBytes(server.segmentSizeBytes)}; the WAL received so far is of ${known.systemIdentifier} with ${formatBytes(known.segmentSizeBytes)}`
  throw new HoldfastError('WAL_FOREIGN', message, {
    hint: 'correct connection.hosts; a cluster that was made anew (initdb, pg_upgrade) gets a system with a name of its own',
  })
}

/** An address that moves leads to the new primary, while the receiver may still be connected to the old one. */
function refuseSuccessor({ label, timeline }: WalServer, look: WalLook): void {
  if (look.timeline === timeline) return
  const message = `${label} is on timeline ${look.timeline}, and timeline ${timeline} was received: a new session begins`
  throw new HoldfastError('SOURCE_UNAVAILABLE', message)
}

/** The first slot of a spool is no loss; later a missing one is. */
async function firstGuard(
  { source, conditions }: Reception,
  server: WalServer,
  known: SpoolState | undefined,
  signal: AbortSignal,
): Promise<Guard> {
  const guard = await source.ensureGuard(server, signal)
  const isNew = guard.state === 'made' && known?.received.timeline !== server.timeline
  if (!isNew) noteLoss(guard, conditions)
  return guard
}

async function begin(
  reception: Reception,
  server: WalServer,
  guard: Guard,
  known: SpoolState | undefined,
  how: SessionStart,
  signal: AbortSignal,
): Promise<SpoolState> {
  const { source, sealing, spool } = reception
  const { systemIdentifier, segmentSizeBytes, history, flushedLsn } = server
  const sealed = known === undefined ? undefined : await sealReceived({ sealing, source }, known)
  const plan = planWalStart({
    received: sealed?.received,
    ...partialEndOf(sealed),
    ...{ flushedLsn, guardLsn: guard.restartLsn, history, segmentSizeBytes },
  })
  if (plan.outcome === 'refused') throw new HoldfastError('WAL_FOREIGN', `${server.label}: ${plan.message}`)
  const { from } = plan
  const fresh = { version: 1, id: randomUUID(), systemIdentifier, segmentSizeBytes, origin: from, received: from } as const
  const state = sealed ?? { ...fresh, histories: [] }
  const next = how === 'after-gap' ? await passGap(reception, server, guard, state, signal) : comeTo(state, from)
  await spool.writeState(next)
  return next
}

/** Of the timeline that is received: one that was left ends with a part of a segment, too. */
function partialEndOf(state: SpoolState | undefined): { readonly partialEnd?: Lsn } {
  const { partial, received } = state ?? {}
  return partial === undefined || Number(`0x${partial.file.slice(0, 8)}`) !== received?.timeline
    ? {}
    : { partialEnd: partial.endLsn }
}

/** Further on, or on a branch of which the repositories' positions say nothing: then they count from there. */
function comeTo(state: SpoolState, from: SpoolState['received']): SpoolState {
  if (comparePositions(from, state.received) >= 0) return { ...state, received: from }
  return { ...state, id: randomUUID(), origin: from, received: from }
}

/** A standby may have what the server has removed. What none has may be in a repository: their replications see to that. */
async function passGap(
  { source, sealing, spool }: Reception,
  server: WalServer,
  guard: Guard,
  state: SpoolState,
  signal: AbortSignal,
): Promise<SpoolState> {
  const to = guardedFrom({ guardLsn: guard.restartLsn, history: server.history, segmentSizeBytes: state.segmentSizeBytes })
  if (compareLsn(to.lsn, state.received.lsn) <= 0) return state
  await source.receiveElsewhere(server, state.received, to.lsn, spool.incoming, signal)
  const found = await sealReceived({ sealing, source }, state)
  return compareLsn(found.received.lsn, to.lsn) < 0 ? { ...found, received: to } : found
}

/** @throws SPOOL_SHORT, and the guard is kept all the same */
async function keepHouse(reception: Reception, server: WalServer, state: SpoolState, signal: AbortSignal): Promise<Guard> {
  const { spool, wal } = reception
  const lack = await lackOfRoom(reception, state)
  const archived = await readAllArchived(reception)
  const room = { maximumBytes: spool.maximumBytes, isSpoolFull: lack !== undefined }
  const guard = await keepGuard({ ...reception, ...wal, ...room, server, state, archived, signal })
  if (lack !== undefined) throw lack
  return guard
}

/** Up to when all repositories have marks: what was seen before is of no use any more. */
async function toldUntil(reception: Reception, state: SpoolState): Promise<string | undefined> {
  const archived = await readAllArchived(reception)
  const moments = reception.repositories.map((name) => {
    const each = archived.get(name)
    return each?.spool === state.id ? each.markedAt : undefined
  })
  return moments.some((at) => at === undefined) ? undefined : moments.toSorted()[0]
}
