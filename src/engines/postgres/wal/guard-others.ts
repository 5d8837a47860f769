import { HoldfastError, toHoldfastError } from '../../../domain/errors.js'
import type { Lsn } from '../../../domain/lsn.js'
import type { OtherHosts } from '../../wal-source.js'
import { askServer } from '../ask-server.js'
import { type FoundServer, type HostAnswer, lookAtHosts, serversOf, writableOf } from '../look-at-hosts.js'
import type { PostgresEngineOptions } from '../options.js'
import { newestOf, rivalsOf, type WritableServer } from '../rival-primaries.js'
import type { ServerAddress } from '../server-address.js'
import { advanceOnStandby, ensureSlot } from './guard-slot.js'

interface OthersGuard {
  /** The server that is received from. */
  readonly primary: ServerAddress
  readonly name: string
  /** Up to where a host may forget; undefined: it keeps all. */
  readonly lsn: Lsn | undefined
}

/**
 * The same slot on every other host: after a promotion the new primary has kept what is not archived yet. A standby that is behind
 * keeps more, never less. One that takes writes itself is left alone: what it wrote since its promotion was archived by nobody, however
 * far the other one's archive has come. All are looked at before any is moved: the standbys of a new primary are beyond the fork, too.
 */
export async function guardOthers(
  options: PostgresEngineOptions,
  { primary, name, lsn }: OthersGuard,
  signal: AbortSignal,
): Promise<OtherHosts> {
  if (options.hosts.length === 1) return { rivals: [], failures: [] }
  const answers = await lookAtHosts(options, signal)
  const servers = serversOf(answers)
  const own = ownOf(answers, primary)
  const newest = newestOf(own, writableOf(servers))
  const rivals = rivalsOf(newest, writableOf(servers))
  if (newest !== own) return { rivals, successor: newest.label, failures: [] }
  const failures = answers.flatMap((answer) => ('failure' in answer ? [answer.failure.message] : []))
  const standbys = servers.filter(({ role }) => role === 'standby')
  const refused = await Promise.all(standbys.map((standby) => guardStandby(options, standby, { name, lsn }, signal)))
  return { rivals, failures: [...failures, ...refused.flat()] }
}

/** @throws what keeps the server from being received from any longer */
function ownOf(answers: readonly HostAnswer[], { label }: ServerAddress): WritableServer {
  const answer = answers.find((each) => ('server' in each ? each.server : each).address.label === label)
  if (answer !== undefined && 'failure' in answer) throw answer.failure
  if (answer?.server.writable !== undefined) return answer.server.writable
  throw new HoldfastError('SOURCE_UNAVAILABLE', `${label} takes no writes any more`)
}

/** @returns what failed */
async function guardStandby(
  options: PostgresEngineOptions,
  { address }: FoundServer,
  { name, lsn }: Pick<OthersGuard, 'name' | 'lsn'>,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    await askServer(options, { address }, signal, async (connection) => {
      await ensureSlot(connection, name)
      if (lsn !== undefined) await advanceOnStandby(connection, name, lsn)
    })
    return []
  } catch (error) {
    signal.throwIfAborted()
    return [toHoldfastError(error).message]
  }
}
