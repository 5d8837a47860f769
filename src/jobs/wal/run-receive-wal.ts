import { createConditions } from '../../domain/condition.js'
import { HoldfastError, toHoldfastError } from '../../domain/errors.js'
import { lsnToBytes } from '../../domain/lsn.js'
import { formatBytes } from '../../domain/quantity.js'
import type { JobContext } from '../job-context.js'
import type { ReceiveWalSpec } from '../job-spec.js'
import { pause } from './pause.js'
import { receiveSession, type Seen, type SessionStart } from './receive-session.js'
import { openSpool } from './spool.js'

/**
 * Receives a system's WAL into its spool until it is stopped, whatever the server does meanwhile. What is wrong is a condition,
 * and tried again.
 */
export async function runReceiveWal({ system }: ReceiveWalSpec, { composition, voice }: JobContext): Promise<never> {
  const { signal } = voice
  const wal = composition.walConfig(system)
  const { repositories } = composition.system(system)
  const { retryIntervalMs, retryMaximumIntervalMs } = composition.config.timeouts
  const [source, spool, keys] = [
    await composition.walSource(system),
    openSpool(composition.walSpool(system)),
    await composition.keys(),
  ]
  const sealing = { system, spool, keys, compressionLevel: composition.compressionLevel(system), signal }
  let seen: Seen | undefined
  const say = () =>
    voice.progress({ step: 'receive', doneBytes: receivedBytes(seen), facts: factsOf(seen), conditions: conditions.list() })
  const conditions = createConditions(() => new Date(), say)
  const tell = (now: Seen) => {
    seen = now
    say()
  }
  let how: SessionStart = 'where it was'
  for (let failures = 0; ; ) {
    const begunAtMs = performance.now()
    try {
      await receiveSession({ source, spool, sealing, wal, repositories, conditions, tell }, how, signal)
    } catch (error) {
      signal.throwIfAborted()
      const code = error instanceof HoldfastError ? error.code : undefined
      how = code === 'WAL_GAP' ? 'after-gap' : 'where it was'
      // Whether it is a gap is told by the repositories: they may have it, or a standby.
      const told = code === 'WAL_GAP' ? new HoldfastError('SOURCE_UNAVAILABLE', toHoldfastError(error).message) : error
      conditions.raiseError(code === 'SPOOL_SHORT' ? 'room' : 'receiving', told)
      // A session that went well for a while is no reason to be slow.
      failures = performance.now() - begunAtMs > retryMaximumIntervalMs ? 0 : failures + 1
    }
    await pause(Math.min(retryMaximumIntervalMs, retryIntervalMs * 2 ** Math.min(failures, 10)), signal)
  }
}

function receivedBytes(seen: Seen | undefined): number {
  if (seen === undefined) return 0
  return Math.max(0, Number(lsnToBytes(seen.state.received.lsn) - lsnToBytes(seen.state.origin.lsn)))
}

function factsOf(seen: Seen | undefined): Record<string, string> {
  if (seen === undefined) return {}
  const { server, state, guard } = seen
  const reached = state.partial?.endLsn
  const newest = reached !== undefined && lsnToBytes(reached) > lsnToBytes(state.received.lsn) ? reached : state.received.lsn
  return {
    server: server.label,
    timeline: String(server.timeline),
    received: newest,
    'kept by the server': formatBytes(guard.keptBytes),
  }
}
