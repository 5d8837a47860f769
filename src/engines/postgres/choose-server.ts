import { HoldfastError } from '../../domain/errors.js'
import type { HostAccess } from './connection.js'
import { type FoundServer, type HostAnswer, lookAtHosts, serversOf, writableOf } from './look-at-hosts.js'
import { newestOf, rivalsOf } from './rival-primaries.js'

export interface ChosenServer extends Omit<FoundServer, 'writable'> {
  /** What became of hosts that were rather to be chosen, and which others take writes, too. */
  readonly passedOver: readonly string[]
}

/**
 * Asks all hosts at once and takes the first primary in their order, else the first standby. Of several primaries of one cluster it is that
 * with the highest timeline: it was promoted, and the other was not told.
 * @throws HoldfastError SOURCE_DENIED when a server turned us away and none let us in, else SOURCE_UNAVAILABLE
 */
export async function chooseServer(access: HostAccess, signal: AbortSignal): Promise<ChosenServer> {
  const answers = await lookAtHosts(access, signal)
  const servers = serversOf(answers)
  const primaries = writableOf(servers)
  const [first] = primaries
  const newest = first && newestOf(first, primaries)
  // Where none takes writes, the first that answers.
  const chosen = servers.find(({ writable }) => writable === newest)
  if (chosen === undefined) throw noneLetsUsIn(answers)
  const at = answers.findIndex((answer) => 'server' in answer && answer.server === chosen)
  const others = chosen.role === 'primary' ? answers.slice(0, at) : answers.toSpliced(at, 1)
  const passedOver = others.flatMap(describePassedOver)
  const { writable, ...server } = chosen
  return { ...server, passedOver: [...passedOver, ...(writable === undefined ? [] : rivalsOf(writable, primaries))] }
}

/** Primaries that were passed over are told of as rivals. */
function describePassedOver(answer: HostAnswer): string[] {
  if ('failure' in answer) return [answer.failure.message]
  return answer.server.role === 'standby' ? [`${answer.server.address.label} is a standby`] : []
}

function noneLetsUsIn(answers: readonly HostAnswer[]): HoldfastError {
  const failures = answers.flatMap((answer) => ('failure' in answer ? [answer.failure] : []))
  const [worst] = [...failures.filter(({ code }) => code === 'SOURCE_DENIED'), ...failures]
  if (worst === undefined) return new HoldfastError('CONFIG_INVALID', 'no host is configured for this PostgreSQL system')
  if (failures.length === 1) return worst
  const message = `no host lets us in: ${failures.map((failure) => failure.message).join('; ')}`
  return new HoldfastError(worst.code, message, { cause: worst })
}
