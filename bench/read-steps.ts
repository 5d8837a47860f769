import { Client, Connection } from '@temporalio/client'

/** When the first try of each kind of step was asked for and when it was done, in the workflow's own order. */
export interface Step {
  readonly activity: string
  readonly fromMs: number
  readonly toMs: number
}

/** From the history of the newest run of a workflow; times as milliseconds since 1970. */
export async function readSteps(temporalAddress: string, workflowId: string): Promise<Step[]> {
  const connection = await Connection.connect({ address: temporalAddress })
  try {
    const { events } = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory()
    const scheduled = new Map<string, { activity: string; fromMs: number }>()
    const steps: Step[] = []
    for (const event of events ?? []) {
      const activity = event.activityTaskScheduledEventAttributes?.activityType?.name
      if (activity != null) scheduled.set(String(event.eventId), { activity, fromMs: milliseconds(event.eventTime) })
      const begun = scheduled.get(String(event.activityTaskCompletedEventAttributes?.scheduledEventId))
      if (begun !== undefined) steps.push({ ...begun, toMs: milliseconds(event.eventTime) })
    }
    return steps
  } finally {
    await connection.close()
  }
}

function milliseconds(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6
}
