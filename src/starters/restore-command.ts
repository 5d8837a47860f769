import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load-config.js'
import { restoreWorkflowId, workflowNames } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import {
  type BackupKind,
  parseBackupId,
  parseInstanceName,
  parseRepositoryName,
  parseSystemName,
  type RepositoryName,
  type SystemName,
} from '../domain/ids.js'
import type { RestoreReport, RestoreRequest } from '../domain/operations.js'
import { restorableKinds } from '../domain/plan-restore.js'
import { parseRestoreTarget } from '../domain/recovery-target.js'
import { maximumTimeline } from '../domain/wal.js'
import { describeRestore } from './describe-restore.js'
import type { FollowOptions } from './run-operation.js'
import { addVerb, contextOf, knownSystem, requester } from './verb.js'

interface RestoreOptions extends FollowOptions {
  readonly to: string
  readonly name: string
  readonly timeline?: string
  readonly base?: string
  readonly kind?: string
  readonly only?: readonly string[]
  readonly serverVersion?: string
  readonly repository?: string
  readonly keepFailed?: true
  readonly reason: string
}

export function addRestoreCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'restore', 'restore a backup into a new instance; never touches an existing one', examples)
    .argument('<system>', 'name of a system in the configuration')
    .requiredOption('-n, --name <instance>', 'name of the new instance')
    .option(
      '-t, --to <target>',
      'latest, a time with its zone, lsn:<position>, xid:<id>, name:<restore point> or backup:<id>',
      'latest',
    )
    .option('--timeline <number>', 'the timeline to recover along (default: the current one)')
    .option('--base <backup>', 'the backup to recover from (default: the newest that ended before the target)')
    .option('-k, --kind <kind>', 'which kind `latest` means: full or logical (default: full; logical with --only)')
    .option('--only <names...>', 'of a logical backup these schemas and tables alone, e.g. sales public.trades')
    .option('--server-version <major>', 'of the new server, for logical backups (default: the original’s)')
    .option('--repository <name>', 'read from this repository alone (default: the nearest, the others in reserve)')
    .option('--keep-failed', 'leave a failed instance on disk, marked FAILED, instead of removing it')
    .option('-r, --reason <text>', 'recorded with the workflow', 'asked for by hand')
    .option('-d, --detach', 'start it and leave; it runs in the workers')
    .option('--json', 'print the report as JSON')
    .action(async (system: string, options: RestoreOptions, command: Command) => {
      const request = toRequest(system, options)
      const context = await contextOf(command, env)
      knownSystem(request.system, context.loaded)
      if (request.repository !== undefined) knownRepository(request.repository, request.system, context.loaded)
      const operation = {
        workflow: workflowNames.restoreToNewInstance,
        workflowId: restoreWorkflowId(request.instance),
        operation: 'restore',
        system: request.system,
        summary: `restore of ${request.system} into ${request.instance}`,
        request,
      } as const
      const { runOperation } = await import('./run-operation.js')
      process.exitCode = await runOperation<RestoreReport>(context, operation, options, {
        describe: describeRestore,
        exitStatusOf: () => 0,
      })
    })
}

const examples = `  holdfast restore avi5 --name avi5-check                      as of now: the end of the archived WAL, or of the newest backup
  holdfast restore avi5 --name avi5-before --to 2026-01-10T14:59:30+01:00        everything committed until then
  holdfast restore avi5 --name avi5-before --to lsn:16/B374D848                  the records that begin before this position
  holdfast restore avi5 --name avi5-before --to xid:4711                         with this transaction
  holdfast restore avi5 --name avi5-before --to name:before-migration            a point of pg_create_restore_point()
  holdfast restore avi5 --name avi5-old --to backup:avi5_full_2026-01-10T03-00-00Z    the end of this backup, no WAL
  holdfast restore avi5 --name avi5-fork --timeline 1          along a timeline that was left since
  holdfast restore avi5 --name avi5-s3 --repository primary    from this repository alone
  holdfast restore avi5 --kind logical --name avi5-18 --server-version 18
  holdfast restore avi5 --name avi5-trades --only public.trades sales    a table and a schema, from dumps

Exit status: 0 the instance runs, 130 left with Ctrl-C; others: see docs/operations.md
`

function toRequest(system: string, options: RestoreOptions): RestoreRequest {
  return {
    system: parseSystemName(system),
    instance: parseInstanceName(options.name),
    target: parseRestoreTarget(options.to),
    ...toWay(options),
    ...toContents(options),
    ...(options.repository === undefined ? {} : { repository: parseRepositoryName(options.repository) }),
    onFailure: options.keepFailed === undefined ? 'remove' : 'keep',
    requestedBy: requester(),
    reason: options.reason,
  }
}

/** Left out where they are not asked for: what runs the request may be older than we are. */
function toContents({ kind, only, serverVersion }: RestoreOptions): Pick<RestoreRequest, 'kind' | 'only' | 'serverVersion'> {
  if (only !== undefined && kind === 'full') {
    throw new HoldfastError('USAGE', 'a full backup is restored as a whole', { hint: 'use --kind logical with --only' })
  }
  if (serverVersion !== undefined && !/^[1-9][0-9]$/.test(serverVersion)) {
    throw new HoldfastError('USAGE', `"${serverVersion}" is not a major version of PostgreSQL`, { hint: 'use e.g. 18' })
  }
  return {
    ...(kind === undefined ? {} : { kind: toKind(kind) }),
    ...(only === undefined ? {} : { kind: 'logical', only }),
    ...(serverVersion === undefined ? {} : { serverVersion }),
  }
}

function toKind(text: string): BackupKind {
  const kind = restorableKinds.find((candidate) => candidate === text)
  if (kind !== undefined) return kind
  throw new HoldfastError('USAGE', `"${text}" is not a kind of backup that can be restored`, {
    hint: `use one of ${restorableKinds.join(', ')}`,
  })
}

/** Where WAL is replayed; left out where it is not asked for. */
function toWay({ to, timeline, base, kind, only }: RestoreOptions): Pick<RestoreRequest, 'timeline' | 'base'> {
  const { kind: target } = parseRestoreTarget(to)
  const given = [timeline === undefined ? [] : ['--timeline'], base === undefined ? [] : ['--base']].flat()
  if (given.length > 0 && target === 'backup') {
    throw new HoldfastError('USAGE', `${given.join(' and ')} cannot be used with --to ${to}`, {
      hint: 'a backup restored to its own end needs no WAL; name a time, a position or latest',
    })
  }
  if ((kind === 'logical' || only !== undefined) && (given.length > 0 || !['latest', 'backup'].includes(target))) {
    throw new HoldfastError('USAGE', 'a logical backup is restored as it is', {
      hint: 'use --to latest or backup:<id> with it, or leave out --kind and --only',
    })
  }
  return {
    ...(timeline === undefined ? {} : { timeline: toTimeline(timeline) }),
    ...(base === undefined ? {} : { base: parseBackupId(base) }),
  }
}

function toTimeline(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= maximumTimeline) return Number(text)
  throw new HoldfastError('USAGE', `"${text}" is not a timeline`, {
    hint: 'timelines are numbers from 1; `holdfast window` shows them',
  })
}

function knownRepository(repository: RepositoryName, system: SystemName, { config }: LoadedConfig): void {
  if (config.repositories[repository] !== undefined) return
  throw new HoldfastError('NOT_FOUND', `there is no repository "${repository}" in the configuration`, {
    hint: `${system} has: ${config.systems[system]?.repositories.join(', ')}`,
  })
}
