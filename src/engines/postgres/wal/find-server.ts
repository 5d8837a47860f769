import { HoldfastError } from '../../../domain/errors.js'
import { parseLsn } from '../../../domain/lsn.js'
import { firstTimeline, parseTimelineHistory, type TimelineHistory } from '../../../domain/timeline-history.js'
import { historyFileName } from '../../../domain/wal.js'
import type { WalServer } from '../../wal-source.js'
import { askServer } from '../ask-server.js'
import { chooseServer } from '../choose-server.js'
import { type Connection, oneRow } from '../connection.js'
import type { PostgresEngineOptions } from '../options.js'
import type { ServerAddress } from '../server-address.js'

/** What the rest of this room needs of a server besides what everybody may know. */
export interface PostgresWalServer extends WalServer {
  readonly address: ServerAddress
  readonly major: string
}

/**
 * The server that takes writes, and who it is by its own account. Asked over a replication connection: the way the receiver comes.
 * @throws HoldfastError SOURCE_UNAVAILABLE when none of the hosts takes writes, SOURCE_DENIED
 */
export async function findServer(options: PostgresEngineOptions, signal: AbortSignal): Promise<PostgresWalServer> {
  const { address, role, major, passedOver } = await chooseServer(options, signal)
  if (role === 'standby') {
    const message = `none of the hosts takes writes: ${[`${address.label} is a standby`, ...passedOver].join('; ')}`
    throw new HoldfastError('SOURCE_UNAVAILABLE', message, {
      hint: 'WAL is received from the primary: name it under connection.hosts',
    })
  }
  return askServer(options, { address, purpose: 'replication' }, signal, async (connection) => {
    const identity = await oneRow<{ systemid: string; timeline: number; xlogpos: string }>(connection, 'IDENTIFY_SYSTEM')
    const { wal_segment_size: size } = await oneRow<{ wal_segment_size: string }>(connection, 'SHOW wal_segment_size')
    const timeline = Number(identity.timeline)
    return {
      address,
      major,
      label: address.label,
      systemIdentifier: identity.systemid,
      timeline,
      history: await readHistory(connection, timeline),
      flushedLsn: parseLsn(identity.xlogpos),
      segmentSizeBytes: segmentSizeOf(size),
    }
  })
}

/** @returns what the caller knows is one of ours */
export function asPostgres(server: WalServer): PostgresWalServer {
  if ('address' in server && 'major' in server) return server as PostgresWalServer
  throw new HoldfastError('INTERNAL', `${server.label} was not found by this engine`)
}

async function readHistory(connection: Connection, timeline: number): Promise<TimelineHistory> {
  if (timeline === 1) return firstTimeline
  const row = await oneRow<{ content: string | Buffer }>(connection, `TIMELINE_HISTORY ${timeline}`)
  const text = typeof row.content === 'string' ? row.content : row.content.toString('utf8')
  if (text === '') throw new HoldfastError('ARTIFACT_DAMAGED', `${historyFileName(timeline)} of the server is empty`)
  return parseTimelineHistory(text, timeline)
}

/** `16MB`, `1GB`: what SHOW prints. */
function segmentSizeOf(text: string): number {
  const [, amount, unit] = /^(\d+)(kB|MB|GB)$/.exec(text) ?? []
  const exponent = { kB: 10, MB: 20, GB: 30 }[unit ?? '']
  if (exponent === undefined) throw new HoldfastError('INTERNAL', `wal_segment_size is "${text}"`)
  return Number(amount) * 2 ** exponent
}
