import { workflowInfo } from '@temporalio/workflow'

/** When this run was due: what the schedule said, else its start. A retry of the same run gives the same time. */
export function dueTime(): Date {
  const { searchAttributes, startTime } = workflowInfo()
  const [scheduled] = searchAttributes.TemporalScheduledStartTime ?? []
  return scheduled instanceof Date ? scheduled : startTime
}
