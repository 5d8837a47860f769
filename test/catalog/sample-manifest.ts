import { type BackupKind, backupIdFor, parseCrc32, parseSha256, parseSystemName } from '../../src/domain/ids.js'
import type { KeyRing } from '../../src/domain/keys.js'
import { parseLsn } from '../../src/domain/lsn.js'
import type { Artifact, EngineFacts, Manifest } from '../../src/domain/manifest.js'

interface SampleOptions {
  readonly system?: string
  readonly kind?: BackupKind
  readonly dueAt?: string
  readonly stoppedAt?: string
  readonly attempt?: string
  readonly keyId?: string
  readonly artifacts?: readonly Artifact[]
  readonly reason?: string
}

/** A manifest as a capture of PostgreSQL leaves it. Encrypted where `keyId` is given. */
export function sampleManifest(options: SampleOptions = {}): Manifest {
  const { kind = 'full', dueAt = '2026-01-10T03:00:00.000Z', attempt = 'a1', keyId } = options
  const system = parseSystemName(options.system ?? 'avi5')
  const suffix = keyId === undefined ? 'zst' : 'zst.enc'
  const artifacts = options.artifacts ?? (kind === 'logical' ? dumpArtifacts(suffix) : physicalArtifacts(suffix))
  return {
    formatVersion: 1,
    backup: backupIdFor(system, kind, new Date(dueAt)),
    system,
    kind,
    origin: 'captured',
    attempt,
    dueAt,
    startedAt: dueAt,
    stoppedAt: options.stoppedAt ?? new Date(Date.parse(dueAt) + 90_000).toISOString(),
    facts: kind === 'logical' ? dumpFacts : physicalFacts(artifacts),
    artifacts,
    compression: 'zstd',
    encryption: keyId === undefined ? { format: 'none' } : { format: 'aws-encryption-sdk', keyId },
    holdfastVersion: '0.1.0',
    tools: { pg_basebackup: '15.18', node: '24.21.0' },
    requestedBy: 'schedule',
    reason: options.reason ?? 'daily full',
    notes: [],
  }
}

const serverFacts = {
  engine: 'postgres',
  systemIdentifier: '7593412345678901234',
  serverVersion: '15.18',
  serverVersionNumber: 150018,
  dataChecksums: true,
  dataBytes: 2_450_000_000,
} as const

function physicalFacts(artifacts: readonly Artifact[]): EngineFacts {
  const oids = artifacts.flatMap(({ tablespace }) => tablespace ?? [])
  return {
    ...serverFacts,
    timeline: 1,
    startLsn: parseLsn('0/2000028'),
    stopLsn: parseLsn('0/2000138'),
    segmentSizeBytes: 16 * 1024 * 1024,
    tablespaces: oids.map((oid) => ({ oid, name: 'Schnelle Platte', location: '/mnt/fast/tblspc' })),
  }
}

const dumpFacts: EngineFacts = { ...serverFacts, dumps: 'custom' }

function physicalArtifacts(suffix: string): Artifact[] {
  return [
    sampleArtifact(`base.tar.${suffix}`, 'base'),
    { ...sampleArtifact(`16401.tar.${suffix}`, 'tablespace'), tablespace: '16401' },
    sampleArtifact(`pg_wal.tar.${suffix}`, 'wal'),
    sampleArtifact(`backup_manifest.${suffix}`, 'backup-manifest'),
    sampleArtifact(`inventory.json.${suffix}`, 'inventory'),
  ]
}

function dumpArtifacts(suffix: string): Artifact[] {
  return [
    sampleArtifact(`globals.sql.${suffix}`, 'globals'),
    { ...sampleArtifact(`16384.dump.${suffix}`, 'dump'), database: '16384' },
    sampleArtifact(`inventory.json.${suffix}`, 'inventory'),
  ]
}

export function sampleArtifact(name: string, role: Artifact['role']): Artifact {
  return { name, role, sizeBytes: 1234, crc32: parseCrc32('0badcafe'), sha256: parseSha256('ab'.repeat(32)) }
}

/** Keys made of one repeated byte each; the first is the active one. */
export function keyRing(...ids: readonly string[]): KeyRing {
  const keys = ids.map((id) => ({ id, bytes: new Uint8Array(32).fill(id.charCodeAt(id.length - 1)) }))
  return { active: keys[0], find: (id) => keys.find((key) => key.id === id) }
}

export const noKeys: KeyRing = { active: undefined, find: () => undefined }

/** The code of what a call throws; the test fails if it throws nothing. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'nothing was thrown'
}
