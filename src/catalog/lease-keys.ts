import { createHash } from 'node:crypto'
import type { BackupId, ObjectKey, SystemName } from '../domain/ids.js'
import { parseObjectKey } from '../domain/ids.js'
import { keyTime, leasesPrefix } from './keys.js'
import type { Lease, LeaseHolder, LeasePurpose } from './lease.js'

/** What the key of a lease object says; enough to decide who holds what until when without reading the object. */
export interface LeaseKey {
  readonly key: ObjectKey
  readonly expiresAt: Date
  readonly purpose: LeasePurpose
  /** 16 hex digits that stand for the holder. */
  readonly holder: string
  /** 16 hex digits that stand for the backups. */
  readonly subject: string
}

/**
 * `_holdfast/<system>/leases/<expiry>_<purpose>_<holder>_<backups>.json`. The expiry comes first, so that a renewal sorts behind
 * what it renews: a listing that runs from front to back past the renewed one still meets the renewal.
 */
export function leaseKeyOf(system: SystemName, lease: Lease): ObjectKey {
  const expiry = keyTime(new Date(lease.expiresAt))
  const name = [expiry, lease.purpose, holderTag(lease.holder), subjectTag(lease.backups)].join('_')
  return parseObjectKey(`${leasesPrefix(system)}${name}.json`)
}

/** @returns undefined for what is not the key of a lease */
export function parseLeaseKey(key: ObjectKey): LeaseKey | undefined {
  const [, day, time, purpose, holder, subject] = leasePattern.exec(key) ?? []
  const expiresAt = new Date(`${day}T${time?.replaceAll('-', ':')}`)
  if (holder === undefined || subject === undefined || Number.isNaN(expiresAt.getTime())) return undefined
  return { key, expiresAt, purpose: purpose as LeasePurpose, holder, subject }
}

/** Workflow ids hold slashes and can be long; the object has them in full. */
export function holderTag(holder: LeaseHolder): string {
  return tag(`${holder.workflowId}\n${holder.runId}`)
}

export function subjectTag(backups: readonly BackupId[]): string {
  return tag(backups.join('\n'))
}

const leasePattern = /\/leases\/(\d{4}-\d\d-\d\d)T(\d\d-\d\d-\d\d\.\d{3}Z)_(capture|read)_([0-9a-f]{16})_([0-9a-f]{16})\.json$/

function tag(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}
