import type { Manifest, StoredCapture } from '../domain/manifest.js'
import { holdfastVersion } from '../domain/version.js'
import type { BackupRun } from './backup-system.js'

/** The same in every repository: nothing in it depends on where or when it is committed. */
export function manifestOf({ plan, request }: BackupRun, attempt: string, captured: StoredCapture): Manifest {
  const { artifacts, facts, startedAt, stoppedAt, tools, notes, keyId } = captured
  return {
    formatVersion: 1,
    backup: plan.backup,
    system: plan.system,
    kind: plan.kind,
    origin: 'captured',
    attempt,
    dueAt: plan.dueAt,
    startedAt,
    stoppedAt,
    facts,
    artifacts,
    compression: 'zstd',
    encryption: keyId === undefined ? { format: 'none' } : { format: 'aws-encryption-sdk', keyId },
    ...(request.milestone === undefined ? {} : { milestone: request.milestone }),
    holdfastVersion,
    tools,
    requestedBy: request.requestedBy,
    reason: request.reason,
    notes,
  }
}
