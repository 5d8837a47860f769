import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load-config.js'
import { databaseRestoreWorkflowId, restoreWorkflowId, workflowNames } from '../domain/contract-names.js'
import { HoldfastError } from '../domain/errors.js'
import type { RepositoryName, SystemName } from '../domain/ids.js'
import type { DatabaseRestoreReport, DatabaseRestoreRequest, RestoreReport, RestoreRequest } from '../domain/operations.js'
import { describeDatabaseRestore } from './describe-database-restore.js'
import { describeRestore } from './describe-restore.js'
import { type RestoreOptions, toWantedRestore } from './restore-options.js'
import type { Operation } from './start-operation.js'
import { addVerb, contextOf, knownSystem } from './verb.js'

export function addRestoreCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'restore', 'restore a backup into a new instance, or a new database; never touches an existing one', examples)
    .argument('<system>', 'name of a system in the configuration')
    .option('-n, --name <instance>', 'name of the new instance')
    .option(
      '-t, --to <target>',
      'latest, a time with its zone, lsn:<position>, xid:<id>, name:<restore point> or backup:<id>',
      'latest',
    )
    .option('--timeline <number>', 'the timeline to recover along (default: the current one; of a time the one current then)')
    .option('--base <backup>', 'the backup to recover from (default: the newest that ended before the target)')
    .option('-k, --kind <kind>', 'which kind `latest` means: full or logical (default: full; logical with --only and --into)')
    .option('--only <names...>', 'of a logical backup these schemas and tables alone, e.g. sales public.trades')
    .option('--server-version <major>', 'of the new server, for logical backups (default: the original’s)')
    .option('--into <system>', 'instead of --name: into the running server of this system, as a new database')
    .option('--database <name>', 'with --into: name of the new database')
    .option('--from-database <name>', 'with --into: which database of the backup (default: the only one)')
    .option('--no-owner', 'with --into: without owners and privileges; all of it belongs to the role of that system')
    .option('--repository <name>', 'read from this repository alone (default: the nearest, the others in reserve)')
    .option('--keep-failed', 'leave a failed instance on disk, marked FAILED, instead of removing it')
    .option('-r, --reason <text>', 'recorded with the workflow', 'asked for by hand')
    .option('-d, --detach', 'start it and leave; it runs in the workers')
    .option('--json', 'print the report as JSON')
    .action(async (system: string, options: RestoreOptions, command: Command) => {
      const wanted = toWantedRestore(system, options)
      const { request } = wanted
      const context = await contextOf(command, env)
      knownSystem(request.system, context.loaded)
      if (request.repository !== undefined) knownRepository(request.repository, request.system, context.loaded)
      const { runOperation } = await import('./run-operation.js')
      const exitStatusOf = () => 0
      if (wanted.kind === 'new instance') {
        const telling = { describe: describeRestore, exitStatusOf }
        process.exitCode = await runOperation<RestoreReport>(context, instanceOperation(wanted.request), options, telling)
      } else {
        knownSystem(wanted.request.into, context.loaded)
        const telling = { describe: describeDatabaseRestore, exitStatusOf }
        process.exitCode = await runOperation<DatabaseRestoreReport>(context, databaseOperation(wanted.request), options, telling)
      }
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
  holdfast restore avi5 --into avi5 --database shop_yesterday --from-database shop    a database beside the others

Exit status: 0 the instance runs, or the database is there; 130 left with Ctrl-C; others: see docs/operations.md
`

function instanceOperation(request: RestoreRequest): Operation {
  return {
    workflow: workflowNames.restoreToNewInstance,
    workflowId: restoreWorkflowId(request.instance),
    operation: 'restore',
    system: request.system,
    summary: `restore of ${request.system} into ${request.instance}`,
    request,
  }
}

function databaseOperation(request: DatabaseRestoreRequest): Operation {
  const { system, into, database } = request
  return {
    workflow: workflowNames.restoreIntoDatabase,
    workflowId: databaseRestoreWorkflowId(into, database),
    operation: 'restore',
    system,
    summary: `restore of ${system} into database ${database} of ${into}`,
    request,
  }
}

function knownRepository(repository: RepositoryName, system: SystemName, { config }: LoadedConfig): void {
  if (config.repositories[repository] !== undefined) return
  throw new HoldfastError('NOT_FOUND', `there is no repository "${repository}" in the configuration`, {
    hint: `${system} has: ${config.systems[system]?.repositories.join(', ')}`,
  })
}
