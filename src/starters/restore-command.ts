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
import { describeRestore } from './describe-restore.js'
import type { FollowOptions } from './follow-options.js'
import { addVerb, contextOf, knownSystem, requester } from './verb.js'

interface RestoreOptions extends FollowOptions {
  readonly to: string
  readonly name: string
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
    .option('-t, --to <target>', 'latest, or backup:<id>', 'latest')
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

const examples = `  holdfast restore avi5 --name avi5-check                      the newest backup, to its own end
  holdfast restore avi5 --name avi5-old --to backup:avi5_full_2026-01-10T03-00-00Z
  holdfast restore avi5 --name avi5-s3 --repository primary    from this repository alone
  holdfast restore avi5 --kind logical --name avi5-18 --server-version 18
  holdfast restore avi5 --name avi5-trades --only public.trades sales    a table and a schema, from dumps

Exit status: 0 the instance runs, 130 left with Ctrl-C; others: see docs/operations.md
`

function toRequest(system: string, options: RestoreOptions): RestoreRequest {
  return {
    system: parseSystemName(system),
    instance: parseInstanceName(options.name),
    target: toTarget(options.to),
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

function toTarget(text: string): RestoreRequest['target'] {
  if (text === 'latest') return { kind: 'latest' }
  if (text.startsWith('backup:')) return { kind: 'backup', backup: parseBackupId(text.slice('backup:'.length)) }
  throw new HoldfastError('USAGE', `"${text}" is not a target this version restores to`, { hint: 'use latest or backup:<id>' })
}

function knownRepository(repository: RepositoryName, system: SystemName, { config }: LoadedConfig): void {
  if (config.repositories[repository] !== undefined) return
  throw new HoldfastError('NOT_FOUND', `there is no repository "${repository}" in the configuration`, {
    hint: `${system} has: ${config.systems[system]?.repositories.join(', ')}`,
  })
}
