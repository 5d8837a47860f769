import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Story } from '../scripts/demo/story.js'
import { formatBytes, formatDuration } from '../src/domain/quantity.js'
import { bucket, clearBucket, type Stage } from './stage.js'
import { storedBytes } from './stored-bytes.js'
import { watchUsage } from './watch-usage.js'

/** One way of bringing the WAL of the source into the bucket as it is written. */
export interface Archiver {
  readonly name: 'holdfast' | 'pgbackrest'
  /** Not measured. Resolves when it waits for WAL. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Of its processes, looked for again at each look. */
  processes(): readonly number[]
  /** CPU time of those that come and go too quickly to be looked at, since the server started. */
  fleetingCpuSeconds(): Promise<number>
}

export interface ArchivingFigures {
  readonly archiver: Archiver['name']
  readonly walBytes: number
  /** Until the source had written it all, and until all of it was in the bucket. */
  readonly writtenMs: number
  readonly wallMs: number
  readonly cpuSeconds: number
  readonly peakBytes: number
  readonly storedBytes: number
}

/** What is written at scale 1. */
const walBytesAtScaleOne = 4e9
/** Of a row of two hashes with its index, in WAL. */
const bytesOfRow = 200

/** Each in turn, on the same server, from an empty bucket. */
export async function measureArchiving(
  stage: Stage,
  archivers: readonly Archiver[],
  scale: number,
  story: Story,
): Promise<ArchivingFigures[]> {
  const found: ArchivingFigures[] = []
  for (const archiver of archivers) {
    const figures = await measureOne(stage, archiver, walBytesAtScaleOne * scale)
    found.push(figures)
    const { walBytes, wallMs, cpuSeconds } = figures
    story.proof(
      `${archiver.name}: ${formatBytes(walBytes)} of WAL in ${formatDuration(wallMs)}, ${cpuSeconds.toFixed(1)} s of CPU`,
    )
  }
  return found
}

async function measureOne(stage: Stage, archiver: Archiver, walBytes: number): Promise<ArchivingFigures> {
  const { source, places, signal } = stage
  await clearBucket(stage)
  await source.sql('drop table if exists wal_ballast')
  await source.sql('create table wal_ballast (id bigint primary key, hash text, other text)')
  await archiver.start()
  const before = await untilArchiving(stage)
  const fleetingBefore = await archiver.fleetingCpuSeconds()
  const watch = watchUsage({ tool: { roots: archiver.processes, of: 'tool' } })
  const startMs = performance.now()
  await writeWal(stage, walBytes)
  const after = await closeSegment(stage)
  const writtenMs = performance.now() - startMs
  await inBucket(stage, after.segment, signal)
  const wallMs = performance.now() - startMs
  const { tool } = watch.stop()
  signal.throwIfAborted()
  const fleeting = (await archiver.fleetingCpuSeconds()) - fleetingBefore
  await archiver.stop()
  await source.sql('drop table wal_ballast')
  return {
    archiver: archiver.name,
    walBytes: after.bytes - before.bytes,
    writtenMs,
    wallMs,
    cpuSeconds: tool.cpuSeconds + fleeting,
    peakBytes: tool.peakBytes,
    storedBytes: await storedBytes(join(places.bucketDirectory, bucket)),
  }
}

/** What was written before the archiver was there may never come. @returns where the WAL is then */
async function untilArchiving(stage: Stage): Promise<Place> {
  for (;;) {
    const place = await closeSegment(stage)
    const patience = AbortSignal.any([stage.signal, AbortSignal.timeout(startPatienceMs)])
    try {
      await inBucket(stage, place.segment, patience)
      return place
    } catch (error) {
      stage.signal.throwIfAborted()
      if (!patience.aborted) throw error
    }
  }
}

const startPatienceMs = 10_000

interface Place {
  /** The last complete one. */
  readonly segment: string
  readonly bytes: number
}

/** Hashes, which are half of what they could be: neither noise nor zeros. */
async function writeWal({ source }: Stage, bytes: number): Promise<void> {
  const rows = Math.round(bytes / bytesOfRow)
  const step = 100_000
  for (let from = 1; from <= rows; from += step) {
    await source.sql(
      `insert into wal_ballast select i, md5('a' || i), md5(i || 'b') from generate_series(${from}, ${Math.min(rows, from + step - 1)}) i`,
    )
  }
}

/** With something in it: an empty one is not closed. */
async function closeSegment({ source }: Stage): Promise<Place> {
  await source.sql(`select pg_logical_emit_message(false, 'bench', 'the last of it')`)
  const [row] = await source.sql<{ segment: string; bytes: string }>(
    `select pg_walfile_name(lsn) as segment, (lsn - '0/0')::text as bytes from pg_switch_wal() lsn`,
  )
  return { segment: row?.segment ?? '', bytes: Number(row?.bytes ?? 0) }
}

/** Names of objects begin with the segment's, whoever put them there. The bucket is a directory; an object appears in it whole. */
async function inBucket({ places }: Stage, segment: string, signal: AbortSignal): Promise<void> {
  const directory = join(places.bucketDirectory, bucket)
  const isThere = (name: string) => (name.split('/').at(-1) ?? '').startsWith(segment) && !name.includes('.partial')
  while (!(await readdir(directory, { recursive: true })).some(isThere)) await sleep(100, undefined, { signal })
}
