import type { ErrorCode } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import type { Artifact, EngineFacts, Manifest } from '../domain/manifest.js'
import { formatBytes, formatDuration } from '../domain/quantity.js'
import { renderTable } from './table.js'

/** What one repository has of a backup, looked at closely. `unknown`: it could not be read. */
export interface CopyDetail {
  readonly repository: RepositoryName
  readonly state: 'committed' | 'being removed' | 'damaged' | 'missing' | 'unknown'
  readonly code?: ErrorCode
  readonly message?: string
}

/** Everything of a manifest, for a person. */
export function describeManifest(manifest: Manifest, copies: readonly CopyDetail[]): string {
  const { facts, artifacts } = manifest
  const stored = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const took = formatDuration(Date.parse(manifest.stoppedAt) - Date.parse(manifest.startedAt))
  const pairs: readonly (readonly [string, string])[] = [
    ['system', manifest.system],
    ['kind', `${manifest.kind}, ${manifest.origin}, attempt ${manifest.attempt}`],
    ...optional('milestone', manifest.milestone),
    ...optional('parent', manifest.parent),
    ['due', manifest.dueAt],
    ['started', manifest.startedAt],
    ['stopped', `${manifest.stoppedAt} (captured in ${took}, without the copies)`],
    ['asked for by', `${manifest.requestedBy}: ${manifest.reason}`],
    ['size', `${formatBytes(facts.dataBytes)} of data, ${formatBytes(stored)} stored`],
    ['encryption', manifest.encryption.keyId === undefined ? 'NONE' : `key ${manifest.encryption.keyId}`],
    ['server', `PostgreSQL ${facts.serverVersion}, system identifier ${facts.systemIdentifier}`],
    ...contentsOf(facts),
    ['data checksums', facts.dataChecksums ? 'on' : 'off'],
    ['made with', toolsOf(manifest)],
  ]
  return `${[
    `backup ${manifest.backup}`,
    ...pairs.map(([name, value]) => `  ${name.padEnd(15)}${value}`),
    'repositories',
    ...copies.map((copy) => `  ${copyLine(copy)}`),
    'artifacts',
    ...renderTable(artifactColumns, artifacts.map(artifactCells)).map((line) => `  ${line}`),
    ...(manifest.notes.length === 0 ? [] : ['notes', ...manifest.notes.map((note) => `  ${note}`)]),
  ].join('\n')}\n`
}

/** Of a physical backup its span of WAL, of a logical one the form of its dumps. */
function contentsOf(facts: EngineFacts): (readonly [string, string])[] {
  if ('dumps' in facts) return [['dumps', `by pg_dump, in its ${facts.dumps} format`]]
  return [
    ['timeline', String(facts.timeline)],
    ['WAL', `${facts.startLsn} to ${facts.stopLsn}, segments of ${facts.segmentSizeBytes / 2 ** 20} MiB`],
    ...facts.tablespaces.map(({ name, oid, location }) => ['tablespace', `${name} (${oid}) at ${location}`] as const),
  ]
}

const artifactColumns = [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'SHA-256' }] as const

/** The first digits are enough to compare by eye; `--json` has all. */
function artifactCells({ name, sizeBytes, sha256 }: Artifact): string[] {
  return [name, formatBytes(sizeBytes), `${sha256.slice(0, 16)}…`]
}

function copyLine({ repository, state, code, message }: CopyDetail): string {
  const label = state === 'unknown' ? 'cannot be read' : state === 'committed' ? state : state.toUpperCase()
  return `${repository}: ${label}${message === undefined ? '' : `: ${message} (${code})`}`
}

function toolsOf({ holdfastVersion, tools }: Manifest): string {
  return [`holdfast ${holdfastVersion}`, ...Object.entries(tools).map(([name, version]) => `${name} ${version}`)].join(', ')
}

function optional(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]]
}
