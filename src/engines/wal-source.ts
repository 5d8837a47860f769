import type { Lsn } from '../domain/lsn.js'
import type { TimelineHistory } from '../domain/timeline-history.js'
import type { WalPosition } from '../domain/wal-position.js'
import type { Finding } from './engine.js'

/** A server that WAL is received from, as it was when it was looked at. */
export interface WalServer {
  /** For messages: host and port. */
  readonly label: string
  /** Decimal digits. */
  readonly systemIdentifier: string
  readonly timeline: number
  /** Of that timeline. */
  readonly history: TimelineHistory
  /** Everything before it was written and flushed. */
  readonly flushedLsn: Lsn
  readonly segmentSizeBytes: number
}

/** What the server keeps for us, whoever else has forgotten it. */
export interface Guard {
  /** Everything from here on is kept. */
  readonly restartLsn: Lsn
  /** Bytes of WAL the server keeps for it. */
  readonly keptBytes: number
  /** Bytes that may still be written before the server breaks its promise; undefined: it never does, and its disk fills. */
  readonly safeBytes?: number
  /** `ensured`: it was there. `made`: there was none. `lost`: the server had dropped WAL it was to keep; it was made anew. */
  readonly state: 'ensured' | 'made' | 'lost'
}

/** What there is besides the server that is received from. */
export interface OtherHosts {
  /** Of hosts where nothing is kept for us. */
  readonly failures: readonly string[]
  /** Of servers that take writes, too: each names both. */
  readonly rivals: readonly string[]
  /** The one of them that took over from the server and is the one to find now. */
  readonly successor?: string
}

/** A look at the server's clock and WAL; `lsn` was flushed by the time `at` at the latest. */
export interface WalLook {
  /** By the server's clock: ISO 8601 UTC with milliseconds. */
  readonly at: string
  readonly timeline: number
  readonly lsn: Lsn
  /** How far our receiver had written by its own account; undefined while the server does not see it. */
  readonly receivedLsn?: Lsn
}

/** A receiver under way. It writes complete segments under their own names, the one it is at as `<name>.partial`, and histories. */
export interface Receiving {
  /** Rejects when it has ended: WAL_GAP when the server has removed what was asked for, SPOOL_SHORT, SOURCE_…; never resolves. */
  readonly ended: Promise<never>
}

/** What the beginning of a WAL file has to say. */
export interface WalFileExpectation {
  readonly systemIdentifier: string
  readonly segmentSizeBytes: number
  /** PostgreSQL's name. */
  readonly file: string
}

/** The write-ahead log of one system, where it comes from. Only jobs may receive. */
export interface WalSource {
  /** The host that takes writes; of several of one cluster that of the highest timeline. @throws SOURCE_UNAVAILABLE when there is none */
  find(signal: AbortSignal): Promise<WalServer>
  /** Makes the guard where it is missing or lost. */
  ensureGuard(server: WalServer, signal: AbortSignal): Promise<Guard>
  /** The server may forget what lies before `lsn`. Never moves back. */
  advanceGuard(server: WalServer, lsn: Lsn, signal: AbortSignal): Promise<void>
  /** The same guard on its standbys; without `lsn` they forget nothing. Never where writes are taken, and nowhere once there is a successor. */
  guardOthers(server: WalServer, lsn: Lsn | undefined, signal: AbortSignal): Promise<OtherHosts>
  /** On every host. @returns labels of the servers that had one. @throws naming the hosts that may still have one */
  dropGuard(signal: AbortSignal): Promise<readonly string[]>
  look(server: WalServer, signal: AbortSignal): Promise<WalLook>
  /** Readies the directory, of complete segments and histories alone, and starts to receive there. Aborting ends it. */
  receive(server: WalServer, from: WalPosition, directory: string, signal: AbortSignal): Promise<Receiving>
  /** What the server has removed, from its standbys, as far as one of them has it. */
  receiveElsewhere(server: WalServer, from: WalPosition, to: Lsn, directory: string, signal: AbortSignal): Promise<void>
  /** @throws WAL_FOREIGN; ARTIFACT_DAMAGED for what is no WAL */
  checkFile(path: string, expectation: WalFileExpectation): Promise<void>
  /** What archiving needs of the server. */
  probe(signal: AbortSignal): Promise<readonly Finding[]>
}
