import { chooseWalCopies, type WalCopy } from '../domain/choose-wal.js'
import { type HoldfastError, toHoldfastError } from '../domain/errors.js'
import { formatLsn, lsnToBytes } from '../domain/lsn.js'
import type { WalPiece } from '../domain/recovery-window.js'
import { historyFileName, parseSegmentName, segmentName, segmentStart, type WalObject } from '../domain/wal.js'
import { fetchWal, type WalFetching, type WantedWal } from './fetch-wal.js'
import type { PrefetchWalSpec } from './job-spec.js'
import { asProblemOf } from './reading-problems.js'

/** What is to be delivered: segments in the order of replay, and the histories, which are fetched already. */
export interface FoundWal {
  readonly segments: readonly WantedWal[]
  readonly histories: readonly string[]
}

/**
 * Finds every file of a recovery in the listings of its repositories.
 * @throws HoldfastError WAL_GAP, WAL_FOREIGN, WAL_CONFLICT naming the first file that is not there as it should be; what kept all
 * repositories from being listed
 */
export async function findWal(spec: PrefetchWalSpec, fetching: WalFetching): Promise<FoundWal> {
  const order = spec.pieces.flatMap((piece) => segmentsOf(piece, spec.segmentSizeBytes))
  const needed = new Set(order)
  const isHistory = ({ kind }: WalObject) => kind === 'history'
  const since = new Date(spec.walSince)
  const found = await list(spec, fetching, (object) => isHistory(object) || needed.has(object.file), since)
  const own = historyFileName(spec.timeline)
  // The history may be older than the backup.
  const histories = spec.timeline === 1 || found.has(own) ? found : await list(spec, fetching, isHistory)
  const segments = order.map((file) => chooseSegment(file, spec, found, file === order.at(-1)))
  return { segments, histories: await fetchHistories(own, spec, fetching, histories) }
}

/** The last segment of a recovery as it is there now, when what was found before has been superseded. */
export async function findLastSegment(file: string, spec: PrefetchWalSpec, fetching: WalFetching): Promise<WantedWal> {
  const found = await list(spec, fetching, (object) => object.file === file, new Date(spec.walSince))
  return chooseSegment(file, spec, found, true)
}

function chooseSegment(file: string, spec: PrefetchWalSpec, found: Listing, isLast: boolean): WantedWal {
  const segment = identityOf(file, spec)
  const { systemIdentifier, startLsn, segmentSizeBytes } = segment
  const endLsn = formatLsn(lsnToBytes(startLsn) + BigInt(segmentSizeBytes))
  return { file, copies: chooseWalCopies(file, found.get(file) ?? [], { systemIdentifier, endLsn, isLast }), segment }
}

type Listing = ReadonlyMap<string, readonly WalCopy[]>

async function list(
  spec: PrefetchWalSpec,
  { composition, signal, onProblem }: WalFetching,
  wanted: (object: WalObject) => boolean,
  from?: Date,
): Promise<Listing> {
  const found = new Map<string, WalCopy[]>()
  const problems: HoldfastError[] = []
  for (const repository of spec.sources) {
    try {
      const { wal } = await composition.catalog(repository)
      for await (const object of wal.list(spec.system, { signal, ...(from === undefined ? {} : { from }) })) {
        if (wanted(object)) found.set(object.file, [...(found.get(object.file) ?? []), { repository, object }])
      }
    } catch (error) {
      signal.throwIfAborted()
      problems.push(asProblemOf({ name: repository }, 'the archived WAL', toHoldfastError(error)))
    }
  }
  const [first] = problems
  // One that is away is made up for by another, or files turn out to be missing: then it is the reason.
  if (first !== undefined && problems.length === spec.sources.length) throw first
  problems.forEach(onProblem)
  return found
}

/**
 * The history of the timeline to end on has to be there. Those of others only show PostgreSQL which numbers are taken, so that the
 * timeline it begins is nobody else's: one that cannot be read does not keep a cluster from being restored.
 */
async function fetchHistories(own: string, spec: PrefetchWalSpec, fetching: WalFetching, found: Listing): Promise<string[]> {
  const fetched: string[] = []
  for (const file of new Set([...(spec.timeline === 1 ? [] : [own]), ...found.keys()])) {
    if (!file.endsWith('.history')) continue
    try {
      const question = { systemIdentifier: spec.systemIdentifier, isLast: false }
      await fetchWal({ file, copies: chooseWalCopies(file, found.get(file) ?? [], question) }, fetching)
      fetched.push(file)
    } catch (error) {
      const problem = toHoldfastError(error)
      if (file === own || fetching.signal.aborted || problem.retryable || problem.code === 'INTERNAL') throw error
      if (problem.code !== 'WAL_FOREIGN') fetching.onProblem(problem)
    }
  }
  return fetched
}

function segmentsOf({ firstSegment, lastSegment }: WalPiece, segmentSizeBytes: number): string[] {
  const { timeline, number: first } = parseSegmentName(firstSegment, segmentSizeBytes)
  const { number: last } = parseSegmentName(lastSegment, segmentSizeBytes)
  return Array.from({ length: Number(last - first) + 1 }, (_, index) =>
    segmentName({ timeline, number: first + BigInt(index) }, segmentSizeBytes),
  )
}

function identityOf(file: string, { systemIdentifier, segmentSizeBytes, endLsn }: PrefetchWalSpec) {
  const { timeline, number } = parseSegmentName(file, segmentSizeBytes)
  return { file, timeline, startLsn: segmentStart(number, segmentSizeBytes), systemIdentifier, segmentSizeBytes, endLsn }
}
