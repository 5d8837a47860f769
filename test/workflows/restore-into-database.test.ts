import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { untilCancelled } from './until-cancelled.js'
import { finalFailure, openWorkflowBench, type Script, type WorkflowBench } from './workflow-bench.js'

/* The real workflow on a real Temporal server; all activities are mocked. */

let bench: WorkflowBench

beforeAll(async () => {
  bench = await openWorkflowBench(inject('temporalAddress'))
})

afterAll(async () => {
  await bench?.close()
})

const released = ['releaseLease primary', 'releaseLease local']

describe.concurrent('restoreIntoDatabase, with mocked activities', () => {
  test('takes a lease in every repository it may read from, and opens a database only after it was checked', async () => {
    const play = await bench.restoreDatabase()
    expect(await play.ending).toMatchObject({
      outcome: 'done',
      report: { database: 'copy', into: 'lab', from: 'shop', repositories: ['local'], problems: ['as noted'] },
    })
    expect(play.calls).toEqual([
      ...['planDatabaseRestore', 'chooseBackup', 'acquireReadLease local', 'acquireReadLease primary'],
      ...['preflightDatabase', 'fillDatabase', 'openDatabase', 'forgetFilling'],
      ...released,
    ])
  })

  const failed = { name: 'tables', stage: 'running', outcome: 'failed', message: 'one is missing' } as const
  const failures: readonly (readonly [string, Script, string])[] = [
    ['cannot be filled', { fillDatabase: fail('RECOVERY_FAILED') }, 'RECOVERY_FAILED'],
    [
      'fails a check',
      { fillDatabase: async () => ({ identity: '1', checks: [failed], reading: { from: {}, problems: [] } }) },
      'CHECK_FAILED',
    ],
    ['is gone when it is to be opened', { openDatabase: fail('NOT_FOUND') }, 'NOT_FOUND'],
  ]

  test.each(failures)('a database that %s is dropped', async (_what, script, code) => {
    const play = await bench.restoreDatabase(script)
    expect(await play.ending).toMatchObject({ outcome: 'failed', code })
    expect(play.calls.slice(-3)).toEqual(['abandonDatabase', ...released])
  })

  test('nothing is dropped where nothing was made', async () => {
    const play = await bench.restoreDatabase({ preflightDatabase: fail('ALREADY_EXISTS') })
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'ALREADY_EXISTS' })
    expect(play.calls.slice(-3)).toEqual(['preflightDatabase', ...released])
  })

  test('cancelled while it is filled, the database is dropped', async () => {
    const play = await bench.restoreDatabase({ fillDatabase: untilCancelled })
    await play.began('fillDatabase')
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(play.calls.slice(-3)).toEqual(['abandonDatabase', ...released])
  })

  test('a cancellation while the database is being opened comes too late', async () => {
    const cancelled = Promise.withResolvers<void>()
    const play = await bench.restoreDatabase({
      async openDatabase() {
        await cancelled.promise
        return { connection: { host: 'h', port: 1, user: 'u' }, notes: [] }
      },
    })
    await play.began('openDatabase')
    await play.handle.cancel()
    cancelled.resolve()
    expect(await play.ending).toMatchObject({ outcome: 'done', report: { database: 'copy' } })
    expect(play.calls).not.toContain('abandonDatabase')
  })
})

function fail(code: string): () => Promise<never> {
  return async () => {
    throw finalFailure(code)
  }
}
