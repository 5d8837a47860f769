import { Connection } from '@temporalio/client'
import { queuesOf } from '../../activities/plan-parts.js'
import type { Config } from '../../config/config.js'
import { temporalConnectionOptions } from '../../config/temporal-connection.js'
import { mainTaskQueue } from '../../domain/contract-names.js'
import { searchAttributes } from '../../domain/search-attributes.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'
import { activityTasks, isPolled, type Queue, workflowTasks } from './is-polled.js'

const subject = 'Temporal'
const answerTimeoutMs = 5_000

/** Is Temporal there, with our namespace and search attributes, and does a worker wait at each queue these hosts need? */
export async function checkTemporal(
  config: Config,
  env: NodeJS.ProcessEnv,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const { connectionOptions, namespace } = await temporalConnectionOptions(config, env)
  const { address } = connectionOptions
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '5 seconds' }).catch(() => undefined)
  if (connection === undefined) {
    const place = env.TEMPORAL_ADDRESS ? 'TEMPORAL_ADDRESS' : '`temporal.address`'
    const hint = `start it (\`holdfast dev\` runs one for you), or correct ${place}`
    return [failed(subject, 'CONTROL_PLANE', `cannot be reached at ${address}`, hint)]
  }
  try {
    return await connection.withAbortSignal(signal, async () => {
      const unknown = await namespaceProblem(connection, namespace)
      if (unknown !== undefined) return [unknown]
      const reached = ok(subject, `answers at ${address}, namespace ${namespace}`)
      return [reached, await attributesFinding(connection, namespace), ...(await queueFindings(connection, namespace, hosts))]
    })
  } finally {
    await connection.close()
  }
}

async function namespaceProblem(connection: Connection, namespace: string): Promise<DoctorFinding | undefined> {
  try {
    await timely(connection, () => connection.workflowService.describeNamespace({ namespace }))
    return undefined
  } catch (error) {
    const hint = `create it (\`temporal operator namespace create ${namespace}\`), or correct temporal.namespace`
    return failed(subject, 'CONTROL_PLANE', `the namespace ${namespace} cannot be used: ${textOf(error)}`, hint)
  }
}

/** `INDEXED_VALUE_TYPE_KEYWORD`. */
const keyword = 2

async function attributesFinding(connection: Connection, namespace: string): Promise<DoctorFinding> {
  const about = 'search attributes'
  const names = Object.values(searchAttributes).map(({ name }) => name)
  try {
    const answer = await timely(connection, () => connection.operatorService.listSearchAttributes({ namespace }))
    const types = answer.customAttributes ?? {}
    const missing = names.filter((name) => types[name] === undefined || types[name] === null)
    const other = names.find((name) => !missing.includes(name) && types[name] !== keyword)
    if (other !== undefined) return failed(about, 'CONFIG_INVALID', `${other} is not a Keyword`, 'use another namespace')
    if (missing.length === 0) return ok(about, 'registered')
    return warning(about, `not registered: ${missing.join(', ')}`, 'a worker registers them when it starts')
  } catch (error) {
    return warning(about, `cannot be listed: ${textOf(error)}`, `register ${names.join(', ')} as Keyword by hand`)
  }
}

async function queueFindings(connection: Connection, namespace: string, hosts: readonly string[]): Promise<DoctorFinding[]> {
  const queues = [
    { name: mainTaskQueue, type: workflowTasks, where: 'on any host' },
    ...hosts.flatMap((host) =>
      Object.values(queuesOf(host)).map((name: string) => ({ name, type: activityTasks, where: `on ${host}` })),
    ),
  ]
  return Promise.all(queues.map((queue) => queueFinding(connection, namespace, queue)))
}

async function queueFinding(
  connection: Connection,
  namespace: string,
  { where, ...queue }: Queue & { readonly where: string },
): Promise<DoctorFinding> {
  const about = `queue ${queue.name}`
  try {
    if (await isPolled(connection, namespace, queue)) return ok(about, 'a worker waits for work')
    return failed(about, 'NO_WORKER', 'no worker waits for work', `start \`holdfast worker\` ${where}`)
  } catch (error) {
    return failed(about, 'CONTROL_PLANE', `cannot be looked at: ${textOf(error)}`, 'see the log of Temporal')
  }
}

function timely<T>(connection: Connection, ask: () => Promise<T>): Promise<T> {
  return connection.withDeadline(Date.now() + answerTimeoutMs, ask)
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'details' in error && typeof error.details === 'string' && error.details !== '' ? error.details : error.message
}
