import type { Catalog } from '../../catalog/catalog.js'
import { HoldfastError } from '../../domain/errors.js'
import type { SystemName } from '../../domain/ids.js'
import { compareLsn } from '../../domain/lsn.js'
import { parseSegmentName, segmentStart } from '../../domain/wal.js'
import { comparePositions } from '../../domain/wal-position.js'
import type { CallOptions } from '../../storage/store.js'
import { timelineOf } from './sealed-files.js'
import type { Archived, SpoolState } from './spool.js'

/** What was archived longer ago is not met again: a cluster that was away for so long begins with a full backup anyway. */
const lookBackMs = 2 * 86_400_000

/**
 * What a repository holds already, for a spool it has not served yet: the first one, or one made anew. One that was archived to and
 * ends before the spool begins has a gap, which others may fill; one that is empty begins with the spool.
 * @throws WAL_FOREIGN when another cluster archives under this system's name
 */
export async function takeStock(
  catalog: Catalog,
  system: SystemName,
  state: SpoolState,
  options: CallOptions,
): Promise<Archived> {
  const partials: string[] = []
  const { origin, segmentSizeBytes } = state
  let held: Archived['position'] | undefined
  for await (const object of catalog.wal.list(system, { ...options, from: new Date(Date.now() - lookBackMs) })) {
    if (object.systemIdentifier !== state.systemIdentifier) throw foreign(object.systemIdentifier, object.file, state)
    if (object.kind === 'partial') partials.push(object.key)
    const timeline = timelineOf(object)
    // Earlier timelines, too: WAL may have been lost across a promotion.
    if (object.kind !== 'segment' || timeline > origin.timeline) continue
    const lsn = segmentStart(parseSegmentName(object.file, segmentSizeBytes).number + 1n, segmentSizeBytes)
    if (held === undefined || comparePositions({ timeline, lsn }, held) > 0) held = { timeline, lsn }
  }
  const position = held !== undefined && compareLsn(held.lsn, origin.lsn) < 0 ? held : origin
  return { version: 1, spool: state.id, position, ends: {}, gaps: [], partials }
}

function foreign(other: string, file: string, state: SpoolState): HoldfastError {
  const message = `it holds ${file} of the cluster ${other}, and ours is ${state.systemIdentifier}`
  return new HoldfastError('WAL_FOREIGN', message, {
    hint: 'give one of the two clusters a system with a name of its own; nothing was stored',
  })
}
