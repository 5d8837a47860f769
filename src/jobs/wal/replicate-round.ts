import pLimit from 'p-limit'
import type { Catalog } from '../../catalog/catalog.js'
import type { Repository } from '../../composition/repository.js'
import type { HoldfastError } from '../../domain/errors.js'
import type { ObjectKey, SystemName } from '../../domain/ids.js'
import type { KeyRing } from '../../domain/keys.js'
import type { Pace } from '../upload-pacer.js'
import { advanceArchived } from './archived-position.js'
import { type Helper, mendGap } from './mend-gap.js'
import { putMarks } from './put-marks.js'
import { removePartials } from './remove-partials.js'
import { listSealed, type SealedFile } from './sealed-files.js'
import { sendFile } from './send-file.js'
import type { Archived, Spool, SpoolState, WalSample } from './spool.js'
import { takeStock } from './take-stock.js'

export interface Replication {
  readonly system: SystemName
  readonly spool: Spool
  readonly target: Repository
  readonly catalog: Catalog
  readonly pace: Pace
  /** The other repositories of the system, the required ones first. */
  readonly helpers: () => Promise<readonly Helper[]>
  readonly keys: () => Promise<KeyRing>
  readonly onUseless: (problem: HoldfastError) => void
  readonly watchGaps: (known: Pick<Archived, 'gaps'>, signal: AbortSignal) => Promise<void>
  /** Keys this process knows to be there. */
  readonly there: Set<ObjectKey>
  readonly signal: AbortSignal
}

export interface Round {
  readonly archived: Archived
  /** Files of the spool that the repository lacks. */
  readonly waiting: number
  readonly sentBytes: number
  /** What it was made from. */
  readonly state: SpoolState
  readonly samples: readonly WalSample[]
  /** Nothing is left to do: another round finds something new in the spool or nothing. */
  readonly isSettled: boolean
}

/** Of one round: what is learned is written down after it. */
const filesAtOnce = 64

/**
 * Sends what waits, in any order, and notes how far the repository holds all. What fails is tried again in the next round; what
 * arrived stays. Undefined: the receiver has not begun.
 */
export async function replicateRound(replication: Replication): Promise<Round | undefined> {
  const { system, spool, target, catalog, there, signal } = replication
  const state = await spool.readState()
  if (state === undefined) return undefined
  let archived = await startFrom(replication, state)
  const files = await listOwn(replication, state)
  forget(there, files)
  const batch = files.filter(({ key }) => !there.has(key)).slice(0, filesAtOnce)
  const partials = batch.filter(({ kind, key }) => kind === 'partial' && !archived.partials.includes(key)).map(({ key }) => key)
  // Before they are sent, so that none is forgotten there.
  if (partials.length > 0) archived = await keep(replication, { ...archived, partials: [...archived.partials, ...partials] })
  const sent = await sendAll(replication, batch)
  const advanced = await advance(replication, archived, files, state)
  archived = await keep(replication, advanced, archived)
  await replication.watchGaps(archived, signal)
  const samples = await spool.readSamples()
  const marked = await putMarks(catalog, system, { archived, state, samples }, { signal })
  // There may be more of them than are put in one round.
  const isMarked = marked.markedAt === archived.markedAt
  archived = await keep(replication, marked, archived)
  archived = await keep(replication, await removePartials(target.store, archived, state, { signal }), archived)
  if (sent.failure !== undefined) throw sent.failure
  const waiting = files.filter(({ key }) => !there.has(key)).length
  return { archived, waiting, sentBytes: sent.bytes, state, samples, isSettled: waiting === 0 && isMarked }
}

/** Whether a round now would find nothing to do. */
export async function isQuiet({ spool }: Pick<Replication, 'spool'>, last: Round): Promise<boolean> {
  return last.isSettled && (await spool.readState()) === last.state && (await spool.readSamples()) === last.samples
}

/** What the spool has no longer is not asked for any more. */
function forget(there: Set<ObjectKey>, files: readonly SealedFile[]): void {
  const waiting = new Set(files.map(({ key }) => key))
  for (const key of there) if (!waiting.has(key)) there.delete(key)
}

async function listOwn({ spool, system, signal }: Replication, { systemIdentifier }: SpoolState): Promise<SealedFile[]> {
  const files = await listSealed(spool, system, { signal })
  return files.filter((file) => file.systemIdentifier === systemIdentifier)
}

/** How far it has come; what the spool has no longer is taken from other repositories. What none has is missing for ever, and no reason to stand still. */
async function advance(
  replication: Replication,
  archived: Archived,
  files: readonly SealedFile[],
  state: SpoolState,
): Promise<Archived> {
  const isThere = (key: ObjectKey) => replication.there.has(key)
  const first = advanceArchived(archived, files, isThere, state)
  if (first.gap === undefined) return first.archived
  // A listing is no snapshot: a file that was sealed during the first one may be missing in it, and the next one be there.
  const now = (await replication.spool.readState()) ?? state
  const again = advanceArchived(archived, await listOwn(replication, now), isThere, now)
  if (again.gap === undefined || now.id !== state.id) return again.archived
  const missing = await mendGap({ ...replication, helpers: await replication.helpers(), state: now, gap: again.gap })
  const mended = { ...again.archived, position: again.gap.to }
  return missing === 0 ? mended : { ...mended, gaps: [...archived.gaps, { ...again.gap, at: new Date().toISOString() }] }
}

async function startFrom(replication: Replication, state: SpoolState): Promise<Archived> {
  const { system, spool, target, catalog, there, signal } = replication
  const known = await spool.readArchived(target.name)
  if (known?.spool === state.id) return known
  there.clear()
  const stock = await takeStock(catalog, system, state, await listOwn(replication, state), { signal })
  await spool.writeArchived(target.name, stock)
  return stock
}

/** Several at a time: each waits for the store, and holds a few pieces of its file, however large that is. */
async function sendAll(replication: Replication, files: readonly SealedFile[]) {
  const { target, there, signal } = replication
  const limit = pLimit(target.partsInFlight)
  let [bytes, failure] = [0, undefined as unknown]
  const send = async (file: SealedFile) => {
    // A store that is away fails every one of them: the first says it.
    if (failure !== undefined) return
    try {
      const outcome = await sendFile(replication, file)
      if (outcome === 'gone') return
      there.add(file.key)
      bytes += outcome === 'sent' ? file.sizeBytes : 0
    } catch (error) {
      if (signal.aborted) throw signal.reason
      failure ??= error
    }
  }
  await Promise.all(files.map((file) => limit(() => send(file))))
  return { bytes, failure }
}

async function keep({ spool, target }: Replication, next: Archived, before?: Archived): Promise<Archived> {
  if (JSON.stringify(next) !== JSON.stringify(before)) await spool.writeArchived(target.name, next)
  return next
}
