import { createHash } from 'node:crypto'
import { access, type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '@node-rs/crc32'
import type { BackedUpFile, BackupManifest, ChecksumAlgorithm } from './backup-manifest.js'
import { type DataFile, walkDataDirectory } from './data-directory.js'

interface VerifiedPlace {
  readonly dataDirectory: string
  /** OID → directory. */
  readonly tablespaces: Readonly<Record<string, string>>
  /** Directory with the originals of files that were changed after extraction. */
  readonly originals?: string
}

/** One thing wrong, naming the file. */
export type FileProblem = string

/**
 * Compares a data directory with PostgreSQL's manifest: sizes, checksums, missing files, files too many. Judges as
 * pg_verifybackup does (src/bin/pg_verifybackup), except that the original of `postgresql.auto.conf` is checked as well.
 * Stops at `problemLimit`: a wrong directory has a million problems.
 */
export async function verifyFiles(manifest: BackupManifest, place: VerifiedPlace, signal: AbortSignal): Promise<FileProblem[]> {
  const problems: FileProblem[] = []
  const seen = new Set<string>()
  // One walk, whose files are shared out: the first reader that fails, or has seen enough, ends it for all of them.
  const files = walkDataDirectory(place)
  const readShare = async () => {
    const buffer = Buffer.allocUnsafe(1024 * 1024)
    for await (const file of files) {
      signal.throwIfAborted()
      const expected = manifest.files.get(file.path)
      if (expected === undefined) {
        if (!isExpectedExtra(file.path)) problems.push(`${file.path} is not in the manifest`)
        continue
      }
      seen.add(file.path)
      const problem = await compare(await originalOf(file, place), expected, buffer, signal)
      if (problem !== undefined) problems.push(problem)
      if (problems.length >= problemLimit) return
    }
  }
  const shares = await Promise.allSettled(Array.from({ length: readersAtOnce }, readShare))
  for (const share of shares) if (share.status === 'rejected') throw share.reason
  if (problems.length >= problemLimit) return problems.slice(0, problemLimit)
  const missing = [...manifest.files.keys()].filter((path) => !seen.has(path) && !mayBeMissing.has(path))
  return [...problems, ...missing.map((path) => `${path} is missing`)].slice(0, problemLimit)
}

/** While one file's bytes are summed up, others are read: two cores have enough to do with three. */
const readersAtOnce = 3

export const problemLimit = 100

/** What is in a data directory without being part of the backup. `pg_wal` is checked by reading the WAL itself. */
function isExpectedExtra(path: string): boolean {
  return expectedExtras.has(path) || path.startsWith('pg_wal/')
}

// A postgresql.conf that is not in the backup is one we generated.
const expectedExtras = new Set([
  'postgresql.conf',
  'backup_manifest',
  'postgresql.auto.conf',
  'recovery.signal',
  'standby.signal',
])

const mayBeMissing = new Set(['postgresql.auto.conf', 'recovery.signal', 'standby.signal'])

/** Only files at the top are changed. */
async function originalOf(file: DataFile, place: VerifiedPlace): Promise<DataFile> {
  if (place.originals === undefined || file.path.includes('/')) return file
  const location = join(place.originals, file.path)
  return access(location).then(
    () => ({ ...file, location }),
    () => file,
  )
}

async function compare(
  file: DataFile,
  expected: BackedUpFile,
  buffer: Buffer,
  signal: AbortSignal,
): Promise<FileProblem | undefined> {
  const handle = await open(file.location, 'r')
  try {
    const { size } = await handle.stat()
    if (size !== expected.sizeBytes) return `${file.path} has ${size} bytes instead of ${expected.sizeBytes}`
    const checksum = await checksumOf(handle, expected.algorithm, buffer, signal)
    return checksum === expected.checksum
      ? undefined
      : `${file.path} has another ${expected.algorithm} checksum than the manifest`
  } finally {
    await handle.close()
  }
}

/** Most files of a cluster are small: one buffer for all of them is several times faster than a stream for each. */
async function checksumOf(
  handle: FileHandle,
  algorithm: ChecksumAlgorithm,
  buffer: Buffer,
  signal: AbortSignal,
): Promise<string> {
  const sum = checksumFor(algorithm)
  if (sum === undefined) return ''
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length)
    if (bytesRead === 0) return sum.hex()
    sum.update(buffer.subarray(0, bytesRead))
  }
}

interface Checksum {
  update(bytes: Buffer): void
  hex(): string
}

function checksumFor(algorithm: ChecksumAlgorithm): Checksum | undefined {
  if (algorithm === 'NONE') return undefined
  if (algorithm !== 'CRC32C') {
    const hash = createHash(algorithm.toLowerCase())
    return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') }
  }
  let value = 0
  return {
    update(bytes) {
      value = crc32c(bytes, value)
    },
    hex: () => littleEndianHex(value),
  }
}

/** PostgreSQL prints the bytes of the number as they are in its memory. */
function littleEndianHex(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes.toString('hex')
}
