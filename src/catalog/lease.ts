import { z } from 'zod'
import { type BackupId, parseBackupId } from '../domain/ids.js'

/** `capture`: one a system at a time. `read`: any number; the backups it names are not removed. */
export type LeasePurpose = 'capture' | 'read'

/** The run of a workflow. A retry of one of its activities is the same holder. */
export interface LeaseHolder {
  readonly workflowId: string
  readonly runId: string
}

/** A claim that ends by itself. Moments are ISO 8601 UTC with milliseconds, by the holder's clock. */
export interface Lease {
  readonly version: 1
  readonly purpose: LeasePurpose
  readonly holder: LeaseHolder
  /** Those that must stay; none for `capture`. */
  readonly backups: readonly BackupId[]
  /** Of the first lease of an unbroken row of renewals. */
  readonly since: string
  readonly expiresAt: string
}

/** A lease as found. What cannot be read counts as well, and nobody knows what it protects. */
export type LiveLease = Omit<Lease, 'backups'> & { readonly backups: readonly BackupId[] | 'unknown' }

/** Whether a backup must stay because of this lease. */
export function protects(lease: LiveLease, backup: BackupId): boolean {
  return lease.backups === 'unknown' ? lease.purpose === 'read' : lease.backups.includes(backup)
}

/** Largest lease read: a chain of some 500 backups. */
export const leaseLimitBytes = 64 * 1024

export function encodeLease(lease: Lease): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(lease, null, 2)}\n`)
}

/** @returns undefined for what cannot be read: its key still says until when it counts */
export function decodeLease(bytes: Uint8Array): Lease | undefined {
  if (bytes.length > leaseLimitBytes) return undefined
  try {
    return leaseSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return undefined
  }
}

const leaseSchema = z.strictObject({
  version: z.literal(1),
  purpose: z.enum(['capture', 'read']),
  holder: z.strictObject({ workflowId: z.string(), runId: z.string() }),
  backups: z.array(z.string().transform((text) => parseBackupId(text))),
  since: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
}) satisfies z.ZodType<Lease>
