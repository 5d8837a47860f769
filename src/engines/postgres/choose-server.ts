import { HoldfastError, toHoldfastError } from '../../domain/errors.js'
import { type HostAccess, oneRow, withConnection } from './connection.js'
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
  /** What became of hosts that were tried and not chosen. */
  readonly passedOver: readonly string[]
}

/**
 * Tries the hosts in their order and takes the first primary, else the first standby.
 * @throws HoldfastError SOURCE_DENIED when a server turned us away and none let us in, else SOURCE_UNAVAILABLE
 */
export async function chooseServer(access: HostAccess, signal: AbortSignal): Promise<ChosenServer> {
  const standbys: ChosenServer[] = []
  const failures: HoldfastError[] = []
  const passedOver: string[] = []
  for (const host of access.hosts) {
    const address = parseServerAddress(host)
    try {
      const server = await lookAt(access, address, signal)
      if (server.role === 'primary') return { ...server, passedOver }
      standbys.push(server)
      passedOver.push(`${address.label} is a standby`)
    } catch (error) {
      signal.throwIfAborted()
      const failure = toHoldfastError(error)
      failures.push(failure)
      passedOver.push(failure.message)
    }
  }
  const [standby] = standbys
  if (standby !== undefined)
    return { ...standby, passedOver: passedOver.filter((text) => !text.startsWith(standby.address.label)) }
  const [worst] = [...failures.filter(({ code }) => code === 'SOURCE_DENIED'), ...failures]
  if (worst === undefined) throw new HoldfastError('CONFIG_INVALID', 'no host is configured for this PostgreSQL system')
  if (failures.length === 1) throw worst
  throw new HoldfastError(worst.code, `no host lets us in: ${passedOver.join('; ')}`, { cause: worst })
}

async function lookAt(access: HostAccess, address: ServerAddress, signal: AbortSignal): Promise<ChosenServer> {
  const row = await withConnection(access, { address }, signal, (connection) =>
    oneRow<{ recovering: boolean; version: string; number: number }>(
      connection,
      `select pg_is_in_recovery() as recovering,
              split_part(current_setting('server_version'), ' ', 1) as version,
              current_setting('server_version_num')::int as number`,
    ),
  )
  return {
    address,
    role: row.recovering ? 'standby' : 'primary',
    version: row.version,
    versionNumber: row.number,
    major: majorOf(row.number),
    passedOver: [],
  }
}
