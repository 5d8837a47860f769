import { createHash } from 'node:crypto'
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.js'
import { compareLsn, type Lsn, parseLsn } from '../../domain/lsn.js'

/** What PostgreSQL says it put into a backup. https://www.postgresql.org/docs/current/backup-manifest-format.html */
export interface BackupManifest {
  /** By path below the data directory. Paths that are not UTF-8 are in Latin-1, marked by `Encoded-Path`. */
  readonly files: ReadonlyMap<string, BackedUpFile>
  readonly ranges: readonly WalRange[]
  /** From version 2 of the format, PostgreSQL 17. */
  readonly systemIdentifier: string | undefined
}

export interface BackedUpFile {
  readonly sizeBytes: number
  readonly algorithm: ChecksumAlgorithm
  /** Lower-case hex; empty when the algorithm is NONE. */
  readonly checksum: string
}

export interface WalRange {
  readonly timeline: number
  readonly startLsn: Lsn
  readonly stopLsn: Lsn
}

export type ChecksumAlgorithm = 'NONE' | 'CRC32C' | 'SHA224' | 'SHA256' | 'SHA384' | 'SHA512'

/** A manifest has about 150 bytes for each file; this is room for some 3 million files. */
export const manifestLimitBytes = 480 * 1024 * 1024

/**
 * Reads a `backup_manifest`, its own checksum included.
 * @throws HoldfastError ARTIFACT_DAMAGED
 */
export function parseBackupManifest(bytes: Buffer): BackupManifest {
  const text = bytes.toString('utf8')
  const own = checksumLine.exec(text.slice(-200))?.[1]
  if (own === undefined) throw damaged('it has no checksum of its own, so its end is missing')
  // The checksum is of everything before its own line.
  const covered = bytes.subarray(0, bytes.lastIndexOf('"Manifest-Checksum"'))
  if (createHash('sha256').update(covered).digest('hex') !== own) throw damaged('its own checksum does not match')
  const parsed = manifestSchema.safeParse(parseJson(text))
  if (!parsed.success) throw damaged(z.prettifyError(parsed.error))
  const { data } = parsed
  return {
    files: new Map(data.Files.map((file) => [pathOf(file), describeFile(file)])),
    ranges: data['WAL-Ranges'].map((range) => ({
      timeline: range.Timeline,
      startLsn: parseLsn(range['Start-LSN']),
      stopLsn: parseLsn(range['End-LSN']),
    })),
    // A 64-bit number, which JSON.parse would round.
    systemIdentifier: /"System-Identifier": (\d+)/.exec(text.slice(0, 200))?.[1],
  }
}

/** The WAL the backup needs, from its start to its stop, and the timeline it stops on. */
export function walSpan(manifest: BackupManifest): WalRange {
  const [first, ...rest] = [...manifest.ranges].sort((a, b) => compareLsn(a.startLsn, b.startLsn))
  if (first === undefined) throw damaged('it names no WAL')
  const last = rest.at(-1) ?? first
  return { timeline: last.timeline, startLsn: first.startLsn, stopLsn: last.stopLsn }
}

const checksumLine = /"Manifest-Checksum": "([0-9a-f]{64})"\}\s*$/

const fileSchema = z.object({
  Path: z.string().optional(),
  'Encoded-Path': z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .optional(),
  Size: z.number().int().nonnegative(),
  'Checksum-Algorithm': z.enum(['CRC32C', 'SHA224', 'SHA256', 'SHA384', 'SHA512']).optional(),
  Checksum: z.string().optional(),
})

const manifestSchema = z.object({
  'PostgreSQL-Backup-Manifest-Version': z.union([z.literal(1), z.literal(2)]),
  Files: z.array(fileSchema),
  'WAL-Ranges': z.array(z.object({ Timeline: z.number().int(), 'Start-LSN': z.string(), 'End-LSN': z.string() })),
})

type FileEntry = z.infer<typeof fileSchema>

function pathOf(file: FileEntry): string {
  const encoded = file['Encoded-Path']
  return encoded === undefined ? (file.Path ?? '') : Buffer.from(encoded, 'hex').toString('latin1')
}

function describeFile(file: FileEntry): BackedUpFile {
  return { sizeBytes: file.Size, algorithm: file['Checksum-Algorithm'] ?? 'NONE', checksum: file.Checksum ?? '' }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : 'it is not JSON')
  }
}

function damaged(why: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `PostgreSQL's backup_manifest cannot be used: ${why}`)
}
