import { upsertSearchAttributes } from '@temporalio/workflow'
import { toWorkflowFailure, wasCancelled } from './failures.js'
import { outcomeAttribute } from './search-attribute-keys.js'

/** Runs a restore and keeps in the search attributes how it ended. */
export async function withOutcome<Report>(run: () => Promise<Report>): Promise<Report> {
  try {
    const report = await run()
    upsertSearchAttributes([{ key: outcomeAttribute, value: 'complete' }])
    return report
  } catch (error) {
    upsertSearchAttributes([{ key: outcomeAttribute, value: wasCancelled(error) ? 'stopped' : 'failed' }])
    throw toWorkflowFailure(error)
  }
}
