import type { Command } from 'commander'
import { backupWorkflowId, workflowNames } from '../domain/contract-names.js'
import { exitStatusOf, HoldfastError } from '../domain/errors.js'
import { type BackupKind, backupKinds, doneKinds, parseSystemName } from '../domain/ids.js'
import type { BackupReport, BackupRequest } from '../domain/operations.js'
import { describeBackup } from './describe-backup.js'
import { defaultReason, type FollowOptions } from './follow-options.js'
import { addVerb, contextOf, knownSystem, requester } from './verb.js'

interface BackupOptions extends FollowOptions {
  readonly kind: string
  readonly milestone?: string
  readonly reason: string
}

export function addBackupCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'backup', 'back a system up now, to all its repositories', examples)
    .argument('<system>', 'name of a system in the configuration')
    .option('-k, --kind <kind>', 'what it holds: full (the whole server) or logical (dumps)', 'full')
    .option('-m, --milestone <label>', 'mark the backup as a milestone')
    .option('-r, --reason <text>', 'recorded in the manifest', defaultReason)
    .option('-d, --detach', 'start it and leave; it runs in the workers')
    .option('--json', 'print the report as JSON')
    .action(async (system: string, options: BackupOptions, command: Command) => {
      const request = toRequest(system, options)
      const context = await contextOf(command, env)
      knownSystem(request.system, context.loaded)
      const operation = {
        workflow: workflowNames.backupSystem,
        workflowId: backupWorkflowId(request.system, request.kind),
        operation: 'backup',
        system: request.system,
        summary: `${request.kind} backup of ${request.system}`,
        request,
      } as const
      const { runOperation } = await import('./run-operation.js')
      process.exitCode = await runOperation<BackupReport>(context, operation, options, {
        describe: describeBackup,
        exitStatusOf: ({ outcome }) => (outcome === 'complete' ? 0 : exitStatusOf('DEGRADED')),
      })
    })
}

const examples = `  holdfast backup avi5                             full backup, with progress; Ctrl-C leaves it running
  holdfast backup avi5 --kind logical              dumps of single databases, by pg_dump
  holdfast backup avi5 --detach                    start it and return at once
  holdfast backup avi5 --milestone before-upgrade --reason "upgrade to 18"

Exit status: 0 complete, 3 degraded (a copy is missing), 130 left with Ctrl-C; others: see docs/operations.md
`

function toRequest(system: string, options: BackupOptions): BackupRequest {
  const kind = backupKinds.find((candidate) => candidate === options.kind)
  if (kind === undefined) {
    throw new HoldfastError('USAGE', `"${options.kind}" is not a kind of backup`, {
      hint: `use one of ${doneKinds.join(', ')}`,
    })
  }
  if (!doneKinds.includes(kind)) {
    throw new HoldfastError('NOT_SUPPORTED', `${kind} backups are not yet supported by this version`, {
      hint: `use one of ${doneKinds.join(', ')}`,
    })
  }
  return {
    system: parseSystemName(system),
    kind: kind satisfies BackupKind,
    ...(options.milestone === undefined ? {} : { milestone: checkLabel(options.milestone) }),
    requestedBy: requester(),
    reason: options.reason,
  }
}

const labelLimit = 200

/** A label stands in tables and in the Temporal UI. */
function checkLabel(label: string): string {
  const fits = label !== '' && label.length <= labelLimit && label.isWellFormed() && !/\p{Cc}/u.test(label)
  if (fits) return label
  throw new HoldfastError('USAGE', `a milestone's label has 1 to ${labelLimit} characters on one line`)
}
