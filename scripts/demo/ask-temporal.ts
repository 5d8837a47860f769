import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'

/** What Temporal knows of the demo's workflows. */
export interface Control {
  /** Waits until an activity is at a worker with this pid. @returns the number of its try; undefined when the workflow ended first */
  tryAt(workflowId: string, activity: string, workerPid: number, over: AbortSignal): Promise<number | undefined>
  /** The report of a workflow that has ended. */
  report<T>(workflowId: string): Promise<T>
  /** What an activity of a workflow returned: the first of its name that came to its end. */
  resultOf<T>(workflowId: string, activity: string): Promise<T | undefined>
  close(): Promise<void>
}

export async function connectControl(address: string): Promise<Control> {
  const connection = await Connection.connect({ address })
  const client = new Client({ connection })
  return {
    async tryAt(workflowId, activity, workerPid, over) {
      while (!over.aborted) {
        const { raw } = await client.workflow.getHandle(workflowId).describe()
        const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity)
        // A worker's identity is `<pid>@<host>`.
        const isThere = pending?.lastWorkerIdentity?.startsWith(`${workerPid}@`) === true
        if (isThere && pending.attempt != null) return pending.attempt
        await sleep(100)
      }
      return undefined
    },
    report: async <T>(workflowId: string) => (await client.workflow.getHandle(workflowId).result()) as T,
    async resultOf<T>(workflowId: string, activity: string) {
      const { events = [] } = await client.workflow.getHandle(workflowId).fetchHistory()
      const scheduled = events
        ?.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)
        .map(({ eventId }) => eventId?.toString())
      const completed = events
        ?.map((event) => event.activityTaskCompletedEventAttributes)
        .find((attributes) => attributes != null && scheduled?.includes(attributes.scheduledEventId?.toString()))
      const payload = completed?.result?.payloads?.[0]
      return payload == null ? undefined : (defaultPayloadConverter.fromPayload(payload) as T)
    },
    close: () => connection.close(),
  }
}
