import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { finalFailure, openWorkflowBench, type Play, type Script, type WorkflowBench } from './workflow-bench.js'

/* The real workflows on a real Temporal server; all activities are mocked. A try that knows nothing of its cancellation fails. */

let bench: WorkflowBench

beforeAll(async () => {
  bench = await openWorkflowBench(inject('temporalAddress'))
})

afterAll(async () => {
  await bench?.close()
})

const passing = ApplicationFailure.retryable('as the test wants it', 'STORE_UNAVAILABLE')
const final = finalFailure('STORE_DENIED')

describe.concurrent('a try that fails after its cancellation was asked for, with mocked activities', () => {
  test.each<[string, string, (script: Script) => Promise<Play<unknown>>, readonly string[]]>([
    ['backupSystem', 'acquireCaptureLease', (script) => bench.backup(script), ['releaseLease local']],
    ['backupSystem', 'precheck', (script) => bench.backup(script), ['runHooks after', 'releaseLease local']],
    ['backupSystem', 'captureAttempt', (script) => bench.backup(script), ['runHooks after', 'releaseLease local']],
    ['restoreToNewInstance', 'acquireReadLease', (script) => bench.restore(script), ['releaseLease local']],
    ['restoreToNewInstance', 'startInstance', (script) => bench.restore(script), ['releaseLease primary', 'releaseLease local']],
    [
      'restoreIntoDatabase',
      'fillDatabase',
      (script) => bench.restoreDatabase(script),
      ['releaseLease primary', 'releaseLease local'],
    ],
  ])('and could be made again is the cancellation: %s, %s', async (_workflow, activity, start, last) => {
    const play = await cancelDuring(activity, passing, start)
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(play.calls.filter((call) => call.startsWith(activity))).toHaveLength(1)
    expect(play.calls.slice(-last.length)).toEqual(last)
  })

  test('and would be so again is that failure', async () => {
    const play = await cancelDuring('precheck', final, (script) => bench.backup(script))
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'STORE_DENIED' })
  })
})

/** Cancels the workflow while the activity's first try goes on, which fails once the server knows that it is to end. */
async function cancelDuring(activity: string, failure: Error, start: (script: Script) => Promise<Play<unknown>>) {
  const [begun, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const play = await start({
    async [activity]() {
      begun.resolve()
      await asked.promise
      throw failure
    },
  })
  await begun.promise
  await play.handle.cancel()
  const isAsked = async () =>
    (await play.handle.fetchHistory()).events?.some(({ activityTaskCancelRequestedEventAttributes: event }) => event != null)
  while (!(await isAsked())) await new Promise((wait) => setTimeout(wait, 20))
  asked.resolve()
  return play
}
