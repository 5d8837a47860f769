import { setTimeout as delay } from 'node:timers/promises'
import { createConditions } from '../../domain/condition.js'
import { HoldfastError } from '../../domain/errors.js'
import { formatLsn, lsnToBytes } from '../../domain/lsn.js'
import { formatBytes } from '../../domain/quantity.js'
import type { JobContext } from '../job-context.js'
import type { ReceiveWalSpec } from '../job-spec.js'
import { receiveSession, type Seen, type SessionStart } from './receive-session.js'
import { openSpool } from './spool.js'

export const receiveStep = 'receive'

/**
 * Receives a system's WAL into its spool until it is stopped, whatever the server does meanwhile. What is wrong is a condition,
 * and tried again.
 */
export async function runReceiveWal(spec: ReceiveWalSpec, { composition, voice }: JobContext): Promise<never> {
  const { system } = spec
  const { signal } = voice
  const wal = composition.walConfig(system)
  const { repositories } = composition.system(system)
  const source = await composition.walSource(system)
  const spool = openSpool(composition.walSpool(system))
  const sealing = {
    system,
    spool,
    keys: await composition.keys(),
    compressionLevel: composition.compressionLevel(system),
    signal,
  }
  let seen: Seen | undefined
  const tell = () =>
    voice.progress({ step: receiveStep, doneBytes: receivedBytes(seen), facts: factsOf(seen), conditions: conditions.list() })
  const conditions = createConditions(() => new Date(), tell)
  const { retryIntervalMs, retryMaximumIntervalMs } = composition.config.timeouts
  let how: SessionStart = 'where it was'
  for (let failures = 0; ; ) {
    const begunAtMs = performance.now()
    try {
      await receiveSession(
        {
          source,
          spool,
          sealing,
          wal,
          repositories,
          conditions,
          tell: (now) => {
            seen = now
            noteGaps(now)
            tell()
          },
        },
        how,
        signal,
      )
    } catch (error) {
      if (signal.aborted) throw signal.reason
      how = error instanceof HoldfastError && error.code === 'WAL_GAP' ? 'after-gap' : 'where it was'
      conditions.raiseError(error instanceof HoldfastError && error.code === 'SPOOL_SHORT' ? 'room' : 'receiving', error)
      // One that worked for a while is no reason to be slow.
      failures = performance.now() - begunAtMs > retryMaximumIntervalMs ? 0 : failures + 1
    }
    await delay(Math.min(retryMaximumIntervalMs, retryIntervalMs * 2 ** Math.min(failures, 10)), undefined, { signal }).catch(
      () => {
        throw signal.reason
      },
    )
  }

  function noteGaps({ state }: Seen): void {
    const gap = state.gaps.at(-1)
    if (gap === undefined) return conditions.clear('gap')
    const bytes = Number(lsnToBytes(gap.to.lsn) - lsnToBytes(gap.from.lsn))
    const message = `the server had removed WAL from ${gap.from.lsn} to ${gap.to.lsn} (${formatBytes(bytes)}) before it was received`
    conditions.raise('gap', 'WAL_GAP', message)
  }
}

function receivedBytes(seen: Seen | undefined): number {
  return seen === undefined ? 0 : Math.max(0, Number(lsnToBytes(seen.state.received.lsn) - lsnToBytes(seen.state.origin.lsn)))
}

function factsOf(seen: Seen | undefined): Record<string, string> {
  if (seen === undefined) return {}
  const { server, state, guard } = seen
  const reached = state.partial?.endLsn
  const newest = reached !== undefined && lsnToBytes(reached) > lsnToBytes(state.received.lsn) ? reached : state.received.lsn
  return {
    server: server.label,
    timeline: String(server.timeline),
    received: formatLsn(lsnToBytes(newest)),
    'kept by the server': formatBytes(guard.keptBytes),
  }
}
