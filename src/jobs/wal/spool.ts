import { mkdir, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { WalSpool } from '../../composition/wal-spool.js'
import type { RepositoryName } from '../../domain/ids.js'
import { parseLsn } from '../../domain/lsn.js'
import { parseWalHash } from '../../domain/wal.js'
import { documentReader, readDocument, writeDocument } from './document.js'

const position = z.strictObject({ timeline: z.int().positive(), lsn: z.string().transform(parseLsn) }).readonly()

const gaps = z.array(z.strictObject({ from: position, to: position, at: z.string() }).readonly()).readonly()

const state = z.strictObject({
  version: z.literal(1),
  /** Of this spool: one that was lost and made anew has another. */
  id: z.string(),
  systemIdentifier: z.string(),
  segmentSizeBytes: z.int().positive(),
  /** Where it began; what comes before is in the repositories or nowhere. */
  origin: position,
  /** Everything before it is sealed. Always the beginning of a segment. */
  received: position,
  /** The newest partial segment that was sealed. */
  partial: z
    .strictObject({
      file: z.string(),
      endLsn: z.string().transform(parseLsn),
      /** Absent in a spool of before it was noted. */
      hash: z.string().transform(parseWalHash).exactOptional(),
    })
    .readonly()
    .exactOptional(),
  /** Histories that were sealed. */
  histories: z.array(z.string()).readonly(),
})

const samples = z.array(
  z.strictObject({ at: z.string(), timeline: z.int().positive(), lsn: z.string().transform(parseLsn) }).readonly(),
)

const archived = z.strictObject({
  version: z.literal(1),
  /** Of the spool it counts for. */
  spool: z.string(),
  /** The repository holds everything before it, from where it began with this spool. */
  position,
  /** By timeline: how far it holds that one, partial segments included. */
  ends: z.record(z.string(), z.string().transform(parseLsn)),
  /** What it lacks for ever: neither the spool nor another repository had it. */
  gaps,
  /** Partial segments put there and not removed yet. */
  partials: z.array(z.string()).readonly(),
  /** Of the newest mark. */
  markedAt: z.string().exactOptional(),
})

const noSamples: readonly WalSample[] = []

/** What the receiver knows. Written by it alone. */
export type SpoolState = z.output<typeof state>
/** The server's clock and WAL at a moment. */
export type WalSample = z.output<typeof samples>[number]
/** What one repository holds. Written by its replication alone. */
export type Archived = z.output<typeof archived>

/**
 * The directory in which WAL waits:
 * `incoming/` pg_receivewal's own; `sealed/` files as repositories get them, under their keys; `spool.json`, `samples.json`;
 * `archived/<repository>.json`.
 */
export interface Spool extends WalSpool {
  readonly incoming: string
  /** Makes the directories where they are missing. */
  make(): Promise<void>
  /** The same value for as long as it is not written anew; so are the samples. */
  readState(): Promise<SpoolState | undefined>
  writeState(state: SpoolState): Promise<void>
  readSamples(): Promise<readonly WalSample[]>
  writeSamples(samples: readonly WalSample[]): Promise<void>
  readArchived(repository: RepositoryName): Promise<Archived | undefined>
  writeArchived(repository: RepositoryName, archived: Archived): Promise<void>
  freeBytes(): Promise<number>
  /** Names in `incoming`, sorted. */
  received(): Promise<string[]>
}

export function openSpool(spool: WalSpool): Spool {
  const { directory } = spool
  const incoming = join(directory, 'incoming')
  const paths = { state: join(directory, 'spool.json'), samples: join(directory, 'samples.json') }
  const readSamples = documentReader(paths.samples, samples)
  const archivedPath = (repository: RepositoryName) => join(directory, 'archived', `${repository}.json`)
  return {
    ...spool,
    incoming,
    async make() {
      for (const each of [incoming, join(directory, 'sealed'), join(directory, 'archived')]) {
        await mkdir(each, { recursive: true, mode: 0o700 })
      }
    },
    readState: documentReader(paths.state, state),
    writeState: (value) => writeDocument(paths.state, value),
    readSamples: async () => (await readSamples()) ?? noSamples,
    writeSamples: (value) => writeDocument(paths.samples, value),
    readArchived: (repository) => readDocument(archivedPath(repository), archived),
    writeArchived: (repository, value) => writeDocument(archivedPath(repository), value),
    async freeBytes() {
      const { bavail, bsize } = await statfs(directory)
      return bavail * bsize
    },
    received: async () => (await readdir(incoming)).toSorted(),
  }
}
