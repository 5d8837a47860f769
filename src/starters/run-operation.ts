import { registerSearchAttributes } from '../observability/search-attributes.js'
import { withClient } from './client.js'
import { followOperation } from './follow-operation.js'
import { answer, remark } from './output.js'
import { type Operation, startOperation } from './start-operation.js'
import type { VerbContext } from './verb.js'

export interface FollowOptions {
  readonly detach?: true
  readonly json?: true
}

interface Telling<Report> {
  /** The report for a person. */
  readonly describe: (report: Report) => string
  readonly exitStatusOf: (report: Report) => number
}

/** As of a program that Ctrl-C has ended: a script must not go on as if the work were done. */
const leftStatus = 130

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
    if (options.detach !== undefined) {
      answer(options, running, `${workflowId} ${started.joined ? 'runs already' : 'is started'}\n`)
      return 0
    }
    if (started.joined) remark(`${workflowId} runs already; following it`)
    const followed = await followOperation<Report>(client, started)
    if (followed.kind === 'left') {
      remark(`left; ${workflowId} goes on in the workers. The same command follows it again`)
      if (options.json !== undefined) answer(options, running, '')
      return leftStatus
    }
    answer(options, followed.report, telling.describe(followed.report))
    return telling.exitStatusOf(followed.report)
  })
}
