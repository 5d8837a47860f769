import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load-config.js'
import { restoreWorkflowId, workflowNames } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import {
  parseBackupId,
  parseInstanceName,
  parseRepositoryName,
  parseSystemName,
  type RepositoryName,
  type SystemName,
} from '../domain/ids.js'
import type { RestoreReport, RestoreRequest } from '../domain/operations.js'
import { describeRestore } from './describe-restore.js'
import type { FollowOptions } from './run-operation.js'
import { addVerb, contextOf, knownSystem, requester } from './verb.js'

interface RestoreOptions extends FollowOptions {
  readonly to: string
  readonly name: string
  readonly repository?: string
  readonly keepFailed?: true
  readonly reason: string
}

export function addRestoreCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'restore', 'restore a backup into a new instance; never touches an existing one', examples)
    .argument('<system>', 'name of a system in the configuration')
    .requiredOption('-n, --name <instance>', 'name of the new instance')
    .option('-t, --to <target>', 'latest, or backup:<id>', 'latest')
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

Exit status: 0 the instance runs, 130 left with Ctrl-C; others: see docs/operations.md
`

function toRequest(system: string, options: RestoreOptions): RestoreRequest {
  return {
    system: parseSystemName(system),
    instance: parseInstanceName(options.name),
    target: toTarget(options.to),
    ...(options.repository === undefined ? {} : { repository: parseRepositoryName(options.repository) }),
    onFailure: options.keepFailed === undefined ? 'remove' : 'keep',
    requestedBy: requester(),
    reason: options.reason,
  }
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
