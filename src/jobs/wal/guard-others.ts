import type { Conditions } from '../../domain/condition.js'
import { HoldfastError } from '../../domain/errors.js'
import type { Lsn } from '../../domain/lsn.js'
import type { WalServer, WalSource } from '../../engines/wal-source.js'

interface OthersGuarding {
  readonly source: WalSource
  readonly server: WalServer
  readonly conditions: Conditions
  readonly signal: AbortSignal
}

/**
 * Has the other hosts keep what this one may not forget yet, and tells which of them do not, and which take writes themselves. What a server
 * writes that was promoted while this one lives is archived by nobody.
 * @throws SOURCE_UNSUITABLE where there is one: the next session finds it, and receives from its fork on
 */
export async function guardOthers({ source, server, conditions, signal }: OthersGuarding, lsn: Lsn | undefined): Promise<void> {
  const { failures, rivals, successor } = await source.guardOthers(server, lsn, signal)
  if (rivals.length === 0) conditions.clear('rivals')
  else conditions.raise('rivals', 'SOURCE_UNSUITABLE', rivals.join('; '), rivalsHint)
  if (successor !== undefined) {
    const message = `${successor} was promoted while WAL was received from ${server.label}: it is received from next`
    throw new HoldfastError('SOURCE_UNSUITABLE', message, { hint: rivalsHint })
  }
  if (failures.length === 0) conditions.clear('standbys')
  else {
    const message = `no WAL is kept on ${failures.length === 1 ? 'a host' : 'hosts'} besides ${server.label}: ${failures.join('; ')}`
    conditions.raise('standbys', 'SOURCE_UNAVAILABLE', message, 'a promotion of that host now could leave a gap: bring it back')
  }
}

const rivalsHint =
  'let no clients write to the one that is not the primary, stop it, and make a standby of it; see "When a condition is told" in docs/operations.md'
