import type { Catalog } from '../../catalog/catalog.js'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import { compareLsn } from '../../domain/lsn.js'
import { parseSegmentName, segmentStart, type WalIdentity } from '../../domain/wal.js'
import { comparePositions, type WalPosition } from '../../domain/wal-position.js'
import type { CallOptions } from '../../storage/store.js'
import { type SealedFile, timelineOf } from './sealed-files.js'
import type { Archived, SpoolState } from './spool.js'

/** So many, then further back, until a segment of ours is found: one that is away for long is seldom, one that is empty costs these listings. */
const lookBackDays = [2, 8, 32, 128, Number.POSITIVE_INFINITY]
const dayMs = 86_400_000

/**
 * What a repository holds already, for a spool it has not served yet: the first one, one made anew, or that of a system it was added to.
 * One that was archived to and ends before what the spool has to give has a gap, which others may fill, however long it was away. One
 * that is empty begins there: without a backup of its own it has no use for what came before.
 * @param waiting what the spool holds, listed after the state was read
 * @throws WAL_FOREIGN when another cluster archives under this system's name
 */
export async function takeStock(
  catalog: Catalog,
  system: SystemName,
  state: SpoolState,
  waiting: readonly SealedFile[],
  options: CallOptions,
): Promise<Archived> {
  const begin = beginOf(waiting, state)
  let seen: Seen = { held: undefined, partials: [] }
  for (const days of lookBackDays) {
    seen = await lookBack(catalog, system, { state, begin, days }, options)
    if (seen.held !== undefined) break
  }
  const { held, partials } = seen
  const position = held !== undefined && compareLsn(held.lsn, begin.lsn) < 0 ? held : begin
  return { version: 1, spool: state.id, position, ends: {}, gaps: [], partials }
}

/** Before the oldest file that waits, or what comes next: segments may have been sealed between the two looks at the spool. */
function beginOf(waiting: readonly SealedFile[], { received, segmentSizeBytes }: SpoolState): WalPosition {
  const starts = waiting.filter(({ kind }) => kind !== 'history').map((file) => startOf(file, segmentSizeBytes))
  return starts.reduce((least, each) => (comparePositions(each, least) < 0 ? each : least), received)
}

function startOf(file: WalIdentity, segmentSizeBytes: number): WalPosition {
  return { timeline: timelineOf(file), lsn: segmentStart(parseSegmentName(file.file, segmentSizeBytes).number, segmentSizeBytes) }
}

interface Seen {
  /** After the furthest segment. */
  readonly held: WalPosition | undefined
  /** Behind that. One before it is of a gap, or of a timeline that was left: there may never be more of its segment. */
  readonly partials: readonly string[]
}

interface Look {
  readonly state: SpoolState
  readonly begin: WalPosition
  readonly days: number
}

async function lookBack(catalog: Catalog, system: SystemName, { state, begin, days }: Look, options: CallOptions): Promise<Seen> {
  const { systemIdentifier, segmentSizeBytes } = state
  const partials: { readonly key: string; readonly start: WalPosition }[] = []
  let held: WalPosition | undefined
  const from = new Date(Math.max(0, Date.now() - days * dayMs))
  for await (const object of catalog.wal.list(system, { ...options, from })) {
    if (object.systemIdentifier !== systemIdentifier) {
      // One that archives now; what an earlier cluster has left is no archiving.
      if (days === lookBackDays[0]) throw foreign(object.systemIdentifier, object.file, state)
      continue
    }
    if (object.kind === 'partial') partials.push({ key: object.key, start: startOf(object, segmentSizeBytes) })
    const timeline = timelineOf(object)
    // Earlier timelines, too: WAL may have been lost across a promotion.
    if (object.kind !== 'segment' || timeline > begin.timeline) continue
    const lsn = segmentStart(parseSegmentName(object.file, segmentSizeBytes).number + 1n, segmentSizeBytes)
    if (held === undefined || comparePositions({ timeline, lsn }, held) > 0) held = { timeline, lsn }
  }
  const isBehind = (start: WalPosition) => held === undefined || comparePositions(start, held) >= 0
  return { held, partials: partials.filter(({ start }) => isBehind(start)).map(({ key }) => key) }
}

function foreign(other: string, file: string, state: SpoolState): HoldfastError {
  const message = `it holds ${file} of the cluster ${other}, and ours is ${state.systemIdentifier}`
  return new HoldfastError('WAL_FOREIGN', message, {
    hint: 'give one of the two clusters a system with a name of its own; nothing was stored',
  })
}
