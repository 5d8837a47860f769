import { HoldfastError } from '../domain/errors.js'
import {
  type BackupKind,
  parseBackupId,
  parseDatabaseName,
  parseInstanceName,
  parseRepositoryName,
  parseSystemName,
} from '../domain/ids.js'
import type { DatabaseRestoreRequest, RestoreRequest } from '../domain/operations.js'
import { restorableKinds } from '../domain/plan-restore.js'
import { parseRestoreTarget, type RestoreTarget } from '../domain/recovery-target.js'
import { maximumTimeline } from '../domain/wal.js'
import type { FollowOptions } from './follow-options.js'
import { requester } from './verb.js'

export interface RestoreOptions extends FollowOptions {
  readonly to: string
  readonly timeline?: string
  readonly base?: string
  readonly name?: string
  readonly into?: string
  readonly database?: string
  readonly fromDatabase?: string
  /** False with --no-owner. */
  readonly owner: boolean
  readonly kind?: string
  readonly only?: readonly string[]
  readonly serverVersion?: string
  readonly repository?: string
  readonly keepFailed?: true
  readonly reason: string
}

/** What the options ask for. */
export type WantedRestore =
  | { readonly kind: 'new instance'; readonly request: RestoreRequest }
  | { readonly kind: 'new database'; readonly request: DatabaseRestoreRequest }

/** @throws USAGE, INVALID_NAME */
export function toWantedRestore(system: string, options: RestoreOptions): WantedRestore {
  const { name, into, database } = options
  if (into === undefined && name !== undefined) {
    refuseTogether('name', options, ['database', 'fromDatabase'])
    if (!options.owner) throw usage('--no-owner goes with --into alone')
    return { kind: 'new instance', request: toInstanceRequest(system, name, options) }
  }
  if (into === undefined || database === undefined) {
    throw usage('a restore needs --name <instance>, or --into <system> and --database <name>')
  }
  refuseTogether('into', options, ['name', 'serverVersion', 'keepFailed', 'timeline', 'base'])
  return { kind: 'new database', request: toDatabaseRequest(system, { into, database }, options) }
}

function toInstanceRequest(system: string, name: string, options: RestoreOptions): RestoreRequest {
  return {
    system: parseSystemName(system),
    instance: parseInstanceName(name),
    ...toWay(options),
    ...toContents(options),
    ...repositoryOf(options),
    onFailure: options.keepFailed === undefined ? 'remove' : 'keep',
    requestedBy: requester(),
    reason: options.reason,
  }
}

function toDatabaseRequest(
  system: string,
  { into, database }: { readonly into: string; readonly database: string },
  options: RestoreOptions,
): DatabaseRestoreRequest {
  const { kind, only, fromDatabase } = options
  if (kind !== undefined && toKind(kind) !== 'logical') {
    throw usage(`a ${kind} backup holds no single databases`, 'use --kind logical with --into, or --name')
  }
  return {
    system: parseSystemName(system),
    into: parseSystemName(into),
    database: parseDatabaseName(database),
    ...(fromDatabase === undefined ? {} : { from: parseDatabaseName(fromDatabase) }),
    target: asItIs(parseRestoreTarget(options.to)),
    ...(only === undefined ? {} : { only }),
    ...repositoryOf(options),
    owners: options.owner ? 'keep' : 'drop',
    requestedBy: requester(),
    reason: options.reason,
  }
}

/** Left out where they are not asked for: what runs the request may be older than we are. */
function toContents({ kind, only, serverVersion }: RestoreOptions): Pick<RestoreRequest, 'kind' | 'only' | 'serverVersion'> {
  if (only !== undefined && kind === 'full') {
    throw usage('a full backup is restored as a whole', 'use --kind logical with --only')
  }
  if (serverVersion !== undefined && !/^[1-9][0-9]$/.test(serverVersion)) {
    throw usage(`"${serverVersion}" is not a major version of PostgreSQL`, 'use e.g. 18')
  }
  return {
    ...(kind === undefined ? {} : { kind: toKind(kind) }),
    ...(only === undefined ? {} : { kind: 'logical', only }),
    ...(serverVersion === undefined ? {} : { serverVersion }),
  }
}

function repositoryOf({ repository }: RestoreOptions): Pick<RestoreRequest, 'repository'> {
  return repository === undefined ? {} : { repository: parseRepositoryName(repository) }
}

function toKind(text: string): BackupKind {
  const kind = restorableKinds.find((candidate) => candidate === text)
  if (kind !== undefined) return kind
  throw usage(`"${text}" is not a kind of backup that can be restored`, `use one of ${restorableKinds.join(', ')}`)
}

/** Where WAL is replayed; left out where it is not asked for. */
function toWay({ to, timeline, base, kind, only }: RestoreOptions): Pick<RestoreRequest, 'target' | 'timeline' | 'base'> {
  const target = parseRestoreTarget(to)
  const given = [timeline === undefined ? [] : ['--timeline'], base === undefined ? [] : ['--base']].flat()
  if (given.length > 0 && target.kind === 'backup') {
    throw usage(
      `${given.join(' and ')} cannot be used with --to ${to}`,
      'a backup restored to its own end needs no WAL; name a time, a position or latest',
    )
  }
  if (kind === 'logical' || only !== undefined) asItIs(target, given)
  return {
    target,
    ...(timeline === undefined ? {} : { timeline: toTimeline(timeline) }),
    ...(base === undefined ? {} : { base: parseBackupId(base) }),
  }
}

/** Dumps have no WAL. */
function asItIs(target: RestoreTarget, given: readonly string[] = []): RestoreTarget {
  if (given.length === 0 && (target.kind === 'latest' || target.kind === 'backup')) return target
  throw usage(
    'a logical backup is restored as it is',
    'use --to latest or backup:<id> with it, or leave out --kind, --only and --into',
  )
}

function toTimeline(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= maximumTimeline) return Number(text)
  throw usage(`"${text}" is not a timeline`, 'timelines are numbers from 1; `holdfast window` shows them')
}

function refuseTogether(name: string, options: RestoreOptions, others: readonly (keyof RestoreOptions)[]): void {
  const other = others.find((candidate) => options[candidate] !== undefined)
  if (other !== undefined) throw usage(`--${name} and --${dashed(other)} do not go together`)
}

function dashed(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function usage(message: string, hint = 'see `holdfast restore --help`'): HoldfastError {
  return new HoldfastError('USAGE', message, { hint })
}
