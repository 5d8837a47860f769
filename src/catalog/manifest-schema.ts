import { z } from 'zod'
import {
  backupIdFor,
  backupKinds,
  describeBackupId,
  parseBackupId,
  parseCrc32,
  parseSha256,
  parseSystemName,
} from '../domain/ids.js'
import { parseLsn } from '../domain/lsn.js'
import type { Manifest } from '../domain/manifest.js'
import { tablespacesOf } from '../domain/physical-facts.js'
import { keyIdSchema, parsed } from './document-schema.js'
import { artifactPattern, attemptPattern } from './keys.js'

// A lone surrogate has no UTF-8 form, so other tools could not compute the HMAC.
const text = z.string().refine((value) => value.isWellFormed(), 'not well-formed Unicode')
const moment = z.iso.datetime()
const bytes = z.int().nonnegative()
const oid = z.string().regex(/^[1-9][0-9]{0,9}$/)

const artifact = z
  .strictObject({
    name: z.string().regex(artifactPattern),
    role: z.enum(['base', 'tablespace', 'wal', 'backup-manifest', 'configuration', 'globals', 'dump', 'inventory']),
    sizeBytes: bytes,
    crc32: parsed(parseCrc32),
    sha256: parsed(parseSha256),
    tablespace: oid.exactOptional(),
    database: oid.exactOptional(),
  })
  .refine(
    (value) => (value.role === 'tablespace') === (value.tablespace !== undefined),
    'an OID belongs to role tablespace, and to it alone',
  )
  .refine(
    (value) => (value.role === 'dump') === (value.database !== undefined),
    'the OID of a database belongs to role dump, and to it alone',
  )

const serverFacts = {
  engine: z.literal('postgres'),
  systemIdentifier: z.string().regex(/^[0-9]{1,20}$/),
  serverVersion: text,
  serverVersionNumber: z.int().positive(),
  dataChecksums: z.boolean(),
  dataBytes: bytes,
}

const physicalFacts = z.strictObject({
  ...serverFacts,
  // Absent, which tells the two apart.
  dumps: z.undefined().optional(),
  timeline: z.int().positive(),
  startLsn: parsed(parseLsn),
  stopLsn: parsed(parseLsn),
  segmentSizeBytes: z.int().positive(),
  tablespaces: z.array(z.strictObject({ oid, name: text, location: text })),
})

const dumpFacts = z.strictObject({ ...serverFacts, dumps: z.enum(['custom', 'directory']) })

const encryption = z.union([
  z.strictObject({ format: z.literal('aws-encryption-sdk'), keyId: keyIdSchema }),
  z.strictObject({ format: z.literal('none') }),
])

/** Version 1 of the manifest, without its HMAC. Strict: a member more is another version of the format. */
export const manifestSchema = z
  .strictObject({
    formatVersion: z.literal(1),
    backup: parsed(parseBackupId),
    system: parsed(parseSystemName),
    kind: z.enum(backupKinds),
    origin: z.enum(['captured', 'synthetic']),
    attempt: z.string().regex(attemptPattern),
    dueAt: moment,
    startedAt: moment,
    stoppedAt: moment,
    facts: z.discriminatedUnion('dumps', [physicalFacts, dumpFacts]),
    artifacts: z.array(artifact).min(1),
    compression: z.literal('zstd'),
    encryption,
    parent: parsed(parseBackupId).exactOptional(),
    milestone: text.exactOptional(),
    holdfastVersion: text,
    // Begins with a letter: names like "7" would not sort as in other languages.
    tools: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9._+-]{0,63}$/), text),
    requestedBy: text,
    reason: text,
    notes: z.array(text),
  })
  .check(({ value, issues }) => {
    for (const message of contradictions(value)) issues.push({ code: 'custom', message, input: value, path: [] })
  }) satisfies z.ZodType<Manifest>

function contradictions(manifest: Manifest): string[] {
  const { system, kind } = describeBackupId(manifest.backup)
  const names = manifest.artifacts.map((item) => item.name)
  return [
    ...(system === manifest.system ? [] : [`system "${manifest.system}" is not the one of ${manifest.backup}`]),
    ...(kind === manifest.kind ? [] : [`kind "${manifest.kind}" is not the one of ${manifest.backup}`]),
    ...(backupIdFor(system, kind, new Date(manifest.dueAt)) === manifest.backup
      ? []
      : [`dueAt ${manifest.dueAt} is not the time of ${manifest.backup}`]),
    ...('dumps' in manifest.facts === (kind === 'logical') ? [] : [`the facts are not those of a ${kind} backup`]),
    ...(sameTablespaces(manifest) ? [] : ['the tablespaces of its facts are not those it has artifacts of']),
    ...(new Set(names).size === names.length ? [] : ['two artifacts have the same name']),
    ...(Date.parse(manifest.startedAt) <= Date.parse(manifest.stoppedAt) ? [] : ['stoppedAt is before startedAt']),
  ]
}

/** Else it could not be restored: each needs its files and a directory to put them in. */
function sameTablespaces({ artifacts, facts }: Manifest): boolean {
  const held = artifacts.flatMap(({ tablespace }) => tablespace ?? [])
  const named = tablespacesOf(facts).map(({ oid }) => oid)
  return held.length === named.length && new Set([...held, ...named]).size === held.length
}
