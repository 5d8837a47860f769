import type { Client } from '@temporalio/client'
import type { LoadedConfig } from '../config/load-config.js'
import { mainTaskQueue } from '../domain/contract-names.js'
import { parseSystemName } from '../domain/ids.js'
import { lightTries } from '../domain/plans.js'
import { formatDuration } from '../domain/quantity.js'
import { registerSearchAttributes } from '../observability/search-attributes.js'
import { isPolled, workflowTasks } from '../workers/doctor/is-polled.js'
import { withClient } from './client.js'
import { followOperation } from './follow-operation.js'
import { defaultReason, type FollowOptions, leftStatus } from './follow-options.js'
import { listOperations } from './list-operations.js'
import { answer, remark } from './output.js'
import { type Operation, startOperation } from './start-operation.js'
import type { VerbContext } from './verb.js'

interface Telling<Report> {
  /** The report for a person. */
  readonly describe: (report: Report) => string
  readonly exitStatusOf: (report: Report) => number
}

/**
 * Starts an operation or joins the same one, follows it to its end and answers with its report; or leaves it to the workers.
 * @returns the exit status. @throws the operation's failure
 */
export async function runOperation<Report>(
  { loaded, env }: VerbContext,
  operation: Operation,
  options: FollowOptions,
  telling: Telling<Report>,
): Promise<number> {
  const { workflowId } = operation
  return withClient(loaded, env, async ({ client, connection, namespace }) => {
    const started = await startOperation(client, operation, () => registerSearchAttributes(connection, namespace))
    const running = { workflowId, runId: started.runId, state: 'running', joined: started.joined }
    if (started.joined && operation.request.reason !== defaultReason) {
      remark(`note: --reason is not recorded: ${workflowId} runs already, and keeps the reason it was started with`)
    }
    if (options.detach !== undefined) {
      const waits = started.joined ? undefined : await holderOf(client, operation)
      // It is started: a question that is not answered must not look as if it were not.
      const queue = { name: mainTaskQueue, type: workflowTasks }
      const hasWorker = await isPolled(connection, namespace, queue).catch(() => true)
      const told = [
        ...(waits === undefined ? [] : [`\n  ${describeWait(waits, loaded)}`]),
        ...(hasWorker ? [] : ['\n  no worker is there: it waits for one (`holdfast worker`)']),
      ].join('')
      answer(
        options,
        { ...running, worker: hasWorker ? 'there' : 'missing', ...(waits === undefined ? {} : { waitsFor: waits }) },
        `${workflowId} ${started.joined ? 'runs already' : 'is started'}${told}\n`,
      )
      return 0
    }
    if (started.joined) remark(`${workflowId} runs already; following it`)
    const followed = await followOperation<Report>(client, started.handle)
    if (followed.kind === 'left') {
      const where = followed.worker === 'missing' ? 'waits for a worker (`holdfast worker`)' : 'goes on in the workers'
      remark(`left; ${workflowId} ${where}. The same command follows it again, \`holdfast status\` shows it`)
      if (options.json !== undefined) answer(options, running, '')
      return leftStatus
    }
    answer(options, followed.report, telling.describe(followed.report))
    return telling.exitStatusOf(followed.report)
  })
}

/** Another backup of the same system that runs: this one has to wait for its lease. */
async function holderOf(client: Client, { operation, system, workflowId }: Operation): Promise<string | undefined> {
  if (operation !== 'backup') return undefined
  const running = await listOperations(client, { which: 'running', system: parseSystemName(system), atMost: 20 })
  return running.findLast((other) => other.operation === operation && other.id !== workflowId)?.id
}

function describeWait(holder: string, { config }: LoadedConfig): string {
  const limit = formatDuration(config.timeouts.lightMs * lightTries)
  return `it waits for ${holder}, which runs on the same system, and gives up after ${limit} (\`holdfast status\`)`
}
