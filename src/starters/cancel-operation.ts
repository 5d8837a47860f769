import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { HoldfastError } from '../domain/errors.js'
import { nearest } from '../domain/nearest.js'
import { type ListedOperation, listOperations, toListed } from './list-operations.js'
import { createObserver, type Observation, waitsForWorker } from './observe-operation.js'

/** What became of the wish to cancel. */
export interface Cancelled {
  readonly id: string
  readonly runId: string
  /** `ended`: no worker had begun it, and it is over already. */
  readonly state: 'cancelling' | 'ended'
  /** What is lost and what happens next, for a person. */
  readonly consequences: readonly string[]
}

/** Its start, and the task that asks a worker to begin. */
const eventsBeforeAnyWorker = 2

/** Ends an operation that runs. @throws NOT_FOUND for what is not ours or does not run, naming what does */
export async function cancelOperation(client: Client, id: string): Promise<Cancelled> {
  const found = await find(client, id)
  if (found === undefined || found.operation === '' || found.outcome !== 'running') throw await notRunning(client, id, found)
  const handle = client.workflow.getHandle(id, found.runId)
  const { runId } = found
  if (found.historyLength <= eventsBeforeAnyWorker) {
    // A request would lie there until a worker comes, and nothing has to be undone.
    await handle.terminate('cancelled before a worker began it')
    return { id, runId, state: 'ended', consequences: ['no worker had begun it: nothing is lost'] }
  }
  const observation = await createObserver(client, handle)()
  await handle.cancel()
  return { id, runId, state: 'cancelling', consequences: consequencesOf(found, observation) }
}

interface Found extends ListedOperation {
  readonly historyLength: number
  /** Of a restore: a failed instance is kept for a look. */
  readonly isKept: boolean
}

async function find(client: Client, id: string): Promise<Found | undefined> {
  try {
    const description = await client.workflow.getHandle(id).describe()
    const request = description.memo?.request as { readonly onFailure?: unknown } | undefined
    return {
      ...toListed(description),
      historyLength: description.historyLength,
      isKept: request?.onFailure === 'keep',
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

async function notRunning(client: Client, id: string, found: Found | undefined): Promise<HoldfastError> {
  const running = (await listOperations(client, { which: 'running', atMost: 20 })).map((each) => each.id)
  const meant = nearest(id, running)
  const hint = running.length === 0 ? 'nothing is running or waiting' : `there is: ${running.join(', ')}`
  const message =
    found === undefined || found.operation === ''
      ? `there is no operation "${id}"`
      : `${id} runs no more: it ended at ${found.endedAt} (${found.outcome})`
  return new HoldfastError('NOT_FOUND', message, {
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}${hint}`,
  })
}

function consequencesOf(found: Found, observation: Observation): string[] {
  const next = waitsForWorker(observation)
    ? 'no worker is there: it ends when one is (`holdfast worker`)'
    : 'its jobs are stopped now; `holdfast status` shows when that is done'
  return [lossOf(found, observation), next].filter((text) => text !== undefined)
}

function lossOf({ operation, system, isKept }: Found, { steps }: Observation): string | undefined {
  if (operation === 'restore') {
    return isKept
      ? 'what is restored so far stays, marked FAILED (--keep-failed)'
      : 'what is restored so far is removed; the backup stays'
  }
  if (operation === 'wal') {
    return `nothing that is archived is lost; the server keeps its WAL, up to max_slot_wal_keep_size, until \`holdfast wal start ${system}\` goes on`
  }
  if (operation !== 'backup') return undefined
  const committed = steps.filter(({ name, state }) => name.startsWith('commit ') && state === 'done')
  return committed.length === 0
    ? 'unless it is committed meanwhile, what is captured so far is removed; older backups stay'
    : 'the backup is committed and stays; copies that are not whole yet will be missing, and it is degraded'
}
