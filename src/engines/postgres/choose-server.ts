import { HoldfastError, toHoldfastError } from '../../domain/errors.js'
import { type HostAccess, oneRow, withConnection } from './connection.js'
import { isOlder, rivalsOf, type WritableServer } from './rival-primaries.js'
import { parseServerAddress, type ServerAddress } from './server-address.js'
import { majorOf } from './server-version.js'

/** A host that answers. */
export interface ChosenServer {
  readonly address: ServerAddress
  readonly role: 'primary' | 'standby'
  /** `15.18` and 150018. */
  readonly version: string
  readonly versionNumber: number
  readonly major: string
  /** What became of hosts that were rather to be chosen, and which others take writes, too. */
  readonly passedOver: readonly string[]
}

/**
 * Asks all hosts at once and takes the first primary in their order, else the first standby. Of several primaries of one cluster it is that
 * with the highest timeline: the other was failed over from, and is back.
 * @throws HoldfastError SOURCE_DENIED when a server turned us away and none let us in, else SOURCE_UNAVAILABLE
 */
export async function chooseServer(access: HostAccess, signal: AbortSignal): Promise<ChosenServer> {
  const answers = await Promise.all(access.hosts.map((host) => askHost(access, parseServerAddress(host), signal)))
  const servers = answers.flatMap((answer) => ('server' in answer ? [answer.server] : []))
  const primaries = servers.flatMap(({ writable }) => (writable === undefined ? [] : [writable]))
  const [first] = primaries
  const newest = first && primaries.reduce((best, other) => (isOlder(best, other) ? other : best), first)
  const chosen = servers.find(({ writable }) => writable === newest)
  if (chosen === undefined) throw noneLetsUsIn(answers)
  const at = answers.findIndex((answer) => 'server' in answer && answer.server === chosen)
  const others = chosen.role === 'primary' ? answers.slice(0, at) : answers.toSpliced(at, 1)
  const passedOver = others.flatMap(describePassedOver)
  const { writable, ...server } = chosen
  return { ...server, passedOver: [...passedOver, ...(writable === undefined ? [] : rivalsOf(writable, primaries))] }
}

type Looked = Omit<ChosenServer, 'passedOver'> & { readonly writable?: WritableServer }

type Answer = { readonly server: Looked } | { readonly failure: HoldfastError }

/** Primaries that were passed over are told of as rivals. */
function describePassedOver(answer: Answer): string[] {
  if ('failure' in answer) return [answer.failure.message]
  return answer.server.role === 'standby' ? [`${answer.server.address.label} is a standby`] : []
}

function noneLetsUsIn(answers: readonly Answer[]): HoldfastError {
  const failures = answers.flatMap((answer) => ('failure' in answer ? [answer.failure] : []))
  const [worst] = [...failures.filter(({ code }) => code === 'SOURCE_DENIED'), ...failures]
  if (worst === undefined) return new HoldfastError('CONFIG_INVALID', 'no host is configured for this PostgreSQL system')
  if (failures.length === 1) return worst
  const message = `no host lets us in: ${failures.map((failure) => failure.message).join('; ')}`
  return new HoldfastError(worst.code, message, { cause: worst })
}

async function askHost(access: HostAccess, address: ServerAddress, signal: AbortSignal): Promise<Answer> {
  try {
    return { server: await lookAt(access, address, signal) }
  } catch (error) {
    signal.throwIfAborted()
    return { failure: toHoldfastError(error) }
  }
}

interface Row {
  readonly recovering: boolean
  readonly version: string
  readonly number: number
  readonly identifier: string
  readonly started: string
  readonly segment: string | null
}

async function lookAt(access: HostAccess, address: ServerAddress, signal: AbortSignal): Promise<Looked> {
  const row = await withConnection(access, { address }, signal, (connection) =>
    oneRow<Row>(
      connection,
      // The control file tells the timeline of the last checkpoint, which may be of before a promotion.
      `select pg_is_in_recovery() as recovering,
              split_part(current_setting('server_version'), ' ', 1) as version,
              current_setting('server_version_num')::int as number,
              (select system_identifier::text from pg_control_system()) as identifier,
              extract(epoch from pg_postmaster_start_time())::text as started,
              case when pg_is_in_recovery() then null else pg_walfile_name(pg_current_wal_insert_lsn()) end as segment`,
    ),
  )
  const server = { address, version: row.version, versionNumber: row.number, major: majorOf(row.number) }
  if (row.segment === null) return { ...server, role: 'standby' }
  const timeline = Number.parseInt(row.segment.slice(0, 8), 16)
  const writable = { label: address.label, systemIdentifier: row.identifier, startedAt: row.started, timeline }
  return { ...server, role: 'primary', writable }
}
