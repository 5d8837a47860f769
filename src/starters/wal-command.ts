import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load-config.js'
import { walWorkflowId } from '../domain/contract-names.js'
import { exitStatusOf, HoldfastError } from '../domain/errors.js'
import { parseSystemName, type SystemName } from '../domain/ids.js'
import { describeWal } from './describe-wal.js'
import { leftStatus } from './follow-options.js'
import { howToConfigure } from './how-to-archive.js'
import { answer, type OutputOptions, remark } from './output.js'
import { addVerb, contextOf, knownSystem, requester } from './verb.js'

export function addWalCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const wal = addVerb(
    program,
    'wal',
    'archiving of WAL, which restores to any moment need',
    groupExamples,
  ).enablePositionalOptions()
  addVerb(wal, 'start', 'archive the WAL of a system from now on; it runs in the workers, until it is stopped', startExamples)
    .argument('<system>', 'name of a system with `wal` in the configuration')
    .option('--json', 'print what runs as JSON')
    .action(async (name: string, options: OutputOptions, command: Command) => {
      const system = parseSystemName(name)
      const context = await contextOf(command, env)
      insistOnWal(system, context.loaded)
      const { startArchiving } = await import('./start-archiving.js')
      const { runId, joined } = await startArchiving(context, system, { requestedBy: requester(), reason: 'asked for by hand' })
      const workflowId = walWorkflowId(system)
      answer(options, { workflowId, runId, joined }, `${workflowId} ${joined ? 'runs already' : 'is started'}\n`)
      remark(startedRemark(system))
    })
  addVerb(wal, 'stop', 'stop archiving; what the spool holds stays, and the server goes on to keep its WAL', stopExamples)
    .argument('<system>', 'name of a system')
    .option('--drop-slot', 'and let the server forget its WAL: for good, or before a long pause')
    .option('--json', 'print the outcome as JSON')
    .action(async (name: string, options: OutputOptions & { readonly dropSlot?: true }, command: Command) => {
      const system = parseSystemName(name)
      const context = await contextOf(command, env)
      knownSystem(system, context.loaded)
      const { stopArchiving } = await import('./stop-archiving.js')
      const dropped = options.dropSlot !== undefined
      const workflowId = walWorkflowId(system)
      if ((await stopArchiving(context, system, dropped ? 'drop' : 'keep')) === 'left') {
        remark(`left; ${workflowId} is asked to stop, and does when a worker is there: \`holdfast wal status ${system}\``)
        if (options.json !== undefined) answer(options, { workflowId, stopped: false }, '')
        process.exitCode = leftStatus
        return
      }
      answer(options, { workflowId, stopped: true, slotDropped: dropped }, `archiving of ${system} is stopped\n`)
      remark(dropped ? droppedRemark : keptRemark(system))
    })
  addVerb(wal, 'status', 'how far the WAL of a system is archived, and what is wrong', statusExamples)
    .argument('<system>', 'name of a system')
    .option('--json', 'print it as JSON')
    .action(async (name: string, options: OutputOptions, command: Command) => {
      const system = parseSystemName(name)
      const context = await contextOf(command, env)
      knownSystem(system, context.loaded)
      const { isWell, lookAtArchiving } = await import('./look-at-archiving.js')
      const status = await lookAtArchiving(context, system)
      answer(options, status, describeWal(status))
      process.exitCode = isWell(status) ? 0 : exitStatusOf('DEGRADED')
    })
}

const groupExamples = `  holdfast wal start avi5
  holdfast wal status avi5
  holdfast wal stop avi5
`
const startExamples = `  holdfast wal start avi5        once; it survives restarts of workers and servers

Starting what runs already is no failure. Exit status: 0; others: see docs/operations.md
`
const stopExamples = `  holdfast wal stop avi5               for a while: the server keeps its WAL, as much as max_slot_wal_keep_size says
  holdfast wal stop avi5 --drop-slot   for good: the WAL from now on cannot be archived later, and restores end here

The slot can be dropped later, too, when nothing runs any more.
Exit status: 0 stopped, 4 it did not run (without --drop-slot), 130 left with Ctrl-C
`
const statusExamples = `  holdfast wal status avi5
  holdfast wal status avi5 --json | jq '.conditions'

Exit status: 0 all is well, 3 something is wrong (it says what), 4 it does not run
`

function startedRemark(system: SystemName): string {
  return `\`holdfast wal status ${system}\` shows how it goes; take a full backup where \`holdfast window ${system}\` shows a gap, or none yet`
}

const droppedRemark =
  'the replication slot is gone: WAL from now on is in no archive. Take a full backup when archiving is started again'

function keptRemark(system: SystemName): string {
  return `the server goes on to keep WAL for it, up to max_slot_wal_keep_size: start it again before that is used up, or \`holdfast wal stop ${system} --drop-slot\``
}

function insistOnWal(system: SystemName, loaded: LoadedConfig): void {
  knownSystem(system, loaded)
  const hint = howToConfigure(system, loaded)
  if (hint !== undefined) throw new HoldfastError('CONFIG_INVALID', `the WAL of system ${system} is not to be archived`, { hint })
}
