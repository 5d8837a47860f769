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
import type { FollowOptions } from './run-operation.js'
import { requester } from './verb.js'

export interface RestoreOptions extends FollowOptions {
  readonly to: string
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
  refuseTogether('into', options, ['name', 'serverVersion', 'keepFailed'])
  return { kind: 'new database', request: toDatabaseRequest(system, { into, database }, options) }
}

function toInstanceRequest(system: string, name: string, options: RestoreOptions): RestoreRequest {
  return {
    system: parseSystemName(system),
    instance: parseInstanceName(name),
    target: toTarget(options.to),
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
    target: toTarget(options.to),
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

function toTarget(text: string): RestoreRequest['target'] {
  if (text === 'latest') return { kind: 'latest' }
  if (text.startsWith('backup:')) return { kind: 'backup', backup: parseBackupId(text.slice('backup:'.length)) }
  throw usage(`"${text}" is not a target this version restores to`, 'use latest or backup:<id>')
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
