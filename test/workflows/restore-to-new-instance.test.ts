import { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { mockedActivities } from './mocked-activities.js'
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

const reached = { timeline: 2, reached: { lsn: parseLsn('0/5000060'), at: '2026-01-10T03:29:59.998213Z' } }

/** Where the choice is a recovery over archived WAL. */
const recovering: Script = {
  async chooseBackup(question) {
    const choice = await mockedActivities({}).chooseBackup(question)
    const endLsn = parseLsn('0/5000000')
    const piece = { timeline: 1, firstSegment: '000000010000000000000003', lastSegment: '000000010000000000000005' }
    const recovery = { systemIdentifier: '7', segmentSizeBytes: 16_777_216, timeline: 1, target: question.target, endLsn }
    return {
      ...choice,
      recovery: { ...recovery, needsHistory: false, pieces: [piece], endAt: '2026-01-10T03:30:00.000Z' },
      walSources: choice.sources,
      walSince: '2026-01-10T03:00:00.000Z',
    }
  },
  followReplay: async () => reached,
}

describe.concurrent('restoreToNewInstance, with mocked activities', () => {
  test('takes a lease in every repository it may read from, and calls an instance RUNNING only after its checks', async () => {
    const play = await bench.restore()
    expect(await play.ending).toMatchObject({
      outcome: 'done',
      report: { instance: 'copy', repositories: ['local'], timeline: 2, connection: { port: 5499 } },
    })
    expect(play.calls).toEqual([
      'planRestore',
      'chooseBackup',
      'acquireReadLease local',
      'acquireReadLease primary',
      'preflightRestore',
      'createInstance',
      'extractBackup',
      'startInstance',
      'followReplay',
      'checkInstance',
      'openInstance',
      'forgetExtraction',
      'releaseLease primary',
      'releaseLease local',
    ])
  })

  const failed = (stage: 'beforeStart' | 'running') =>
    ({ name: 'digests', stage, outcome: 'failed', message: 'one differs' }) as const
  const failures: readonly (readonly [string, Script, string, string])[] = [
    ['cannot make its directories', { createInstance: fail('INSTANCE_EXISTS') }, 'INSTANCE_EXISTS', 'as the test wants it'],
    ['cannot be fetched', { extractBackup: fail('ARTIFACT_DAMAGED') }, 'ARTIFACT_DAMAGED', 'as the test wants it'],
    [
      'fails a check before it is started',
      { extractBackup: async () => ({ checks: [failed('beforeStart')], reading: { from: {}, problems: [] } }) },
      'CHECK_FAILED',
      'digests: one differs',
    ],
    ['does not recover', { followReplay: fail('RECOVERY_FAILED') }, 'RECOVERY_FAILED', 'as the test wants it'],
    [
      'fails a check of the running server',
      { checkInstance: async () => [failed('running')] },
      'CHECK_FAILED',
      'digests: one differs',
    ],
  ]

  test.each(failures)('an instance that %s is removed, with the cause', async (_what, script, code, message) => {
    let told = ''
    const play = await bench.restore({
      ...script,
      async abandonInstance({ failure }) {
        told = failure
      },
    })
    expect(await play.ending).toEqual({ outcome: 'failed', code, message })
    expect(told).toBe(`${code}: ${message}`)
    expect(play.calls.slice(-3)).toEqual(['abandonInstance', 'releaseLease primary', 'releaseLease local'])
    expect(play.calls).not.toContain('openInstance')
  })

  test('nothing is removed where nothing was made', async () => {
    const play = await bench.restore({ preflightRestore: fail('SPACE_SHORT') })
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'SPACE_SHORT' })
    expect(play.calls.slice(-3)).toEqual(['preflightRestore', 'releaseLease primary', 'releaseLease local'])
  })

  test.each<[string, Script]>([
    ['extractBackup', { extractBackup: untilCancelled }],
    ['followReplay', { followReplay: untilCancelled }],
    ['checkInstance', { checkInstance: untilCancelled }],
  ])('cancelled during %s, the instance is removed', async (activity, script) => {
    const play = await bench.restore(script)
    await play.began(activity)
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(play.calls.slice(-3)).toEqual(['abandonInstance', 'releaseLease primary', 'releaseLease local'])
  })

  test('a cancellation while the instance is being opened comes too late', async () => {
    const cancelled = Promise.withResolvers<void>()
    const play = await bench.restore({
      async forgetExtraction() {
        await cancelled.promise
      },
    })
    await play.began('forgetExtraction')
    await play.handle.cancel()
    cancelled.resolve()
    expect(await play.ending).toMatchObject({ outcome: 'done', report: { instance: 'copy' } })
    expect(play.calls).not.toContain('abandonInstance')
  })

  describe('with archived WAL', () => {
    test('delivers it beside the extraction, starts the server when the first has come, and tells what was reached', async () => {
      const play = await bench.restore({
        ...recovering,
        endDelivery: async () => ['a segment in repository local is damaged'],
      })
      expect(await play.ending).toMatchObject({
        outcome: 'done',
        report: {
          ...{ timeline: 2, problems: ['a segment in repository local is damaged'] },
          recovery: { target: { kind: 'latest' }, timeline: 1, expected: { lsn: '0/5000000' }, reached: { lsn: '0/5000060' } },
        },
      })
      const [delivery, ...others] = play.calls.slice(play.calls.indexOf('createInstance') + 1)
      expect([delivery, others[0]].toSorted()).toEqual(['deliverWal', 'extractBackup'])
      expect(others.slice(1)).toEqual([
        ...['awaitWal', 'startInstance', 'followReplay', 'endDelivery', 'checkInstance', 'openInstance', 'forgetExtraction'],
        ...released,
      ])
      const { steps } = await play.status()
      expect(steps.find(({ name }) => name === 'WAL')).toMatchObject({ state: 'done' })
    })

    test.each<[string, Script]>([
      ['extractBackup', { extractBackup: untilCancelled }],
      ['awaitWal', { awaitWal: untilCancelled }],
      ['followReplay', { followReplay: untilCancelled }],
    ])('a delivery that fails while %s goes on ends the restore, with the reason', async (activity, script) => {
      const [begun, failing] = [Promise.withResolvers<void>(), fail('WAL_GAP')]
      const play = await bench.restore({
        ...recovering,
        ...script,
        async deliverWal() {
          await begun.promise
          return failing()
        },
      })
      await play.began(activity)
      begun.resolve()
      expect(await play.ending).toEqual({ outcome: 'failed', code: 'WAL_GAP', message: 'as the test wants it' })
      expect(play.calls.slice(-3)).toEqual(['abandonInstance', ...released])
      expect(play.calls).not.toContain('checkInstance')
    })

    test('a delivery that has to be begun again delays the restore, and costs nothing else', async () => {
      let tries = 0
      const play = await bench.restore({
        ...recovering,
        async deliverWal() {
          tries += 1
          if (tries <= 3) throw ApplicationFailure.retryable('the store is away', 'STORE_UNAVAILABLE')
          return untilCancelled()
        },
        async followReplay() {
          while (tries <= 3) await new Promise((wait) => setTimeout(wait, 10))
          return reached
        },
      })
      expect(await play.ending).toMatchObject({ outcome: 'done' })
      expect(play.calls.filter((call) => call === 'deliverWal')).toHaveLength(4)
      expect(play.calls.filter((call) => call === 'followReplay')).toHaveLength(1)
    })

    test('a recovered instance is kept where the delivery cannot be tidied, and the report says so', async () => {
      const play = await bench.restore({ ...recovering, endDelivery: fail('NOT_FOUND') })
      const problems = ['the delivery of WAL was not tidied: as the test wants it (NOT_FOUND)']
      expect(await play.ending).toMatchObject({ outcome: 'done', report: { problems } })
      expect(play.calls).not.toContain('abandonInstance')
    })

    test('a recovery that fails ends the delivery', async () => {
      const play = await bench.restore({ ...recovering, followReplay: fail('OUTSIDE_WINDOW') })
      expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'OUTSIDE_WINDOW' })
      expect(play.calls.slice(-3)).toEqual(['abandonInstance', ...released])
    })

    test.each<[string, Script]>([
      ['awaitWal', { awaitWal: untilCancelled }],
      ['followReplay', { followReplay: untilCancelled }],
    ])('cancelled during %s, the delivery ends and the instance is removed', async (activity, script) => {
      const play = await bench.restore({ ...recovering, ...script })
      await play.began(activity)
      await play.handle.cancel()
      expect(await play.ending).toEqual({ outcome: 'cancelled' })
      expect(play.calls.slice(-3)).toEqual(['abandonInstance', ...released])
    })
  })

  test.each([
    ['NOT_FOUND', ['local']],
    ['STORE_UNAVAILABLE', ['local']],
    ['STORE_DENIED', ['local', 'primary']],
  ])('a repository whose lease fails with %s leaves %j to read from, and is told of', async (code, sources) => {
    let read: readonly string[] = []
    const play = await bench.restore({
      acquireReadLease: leaseUnless('primary', code),
      async preflightRestore({ choice }) {
        read = choice.sources
        return []
      },
    })
    const problems = [`primary: no lease: as the test wants it (${code})`]
    expect(await play.ending).toMatchObject({ outcome: 'done', report: { problems } })
    expect(read).toEqual(sources)
    expect(play.calls.slice(-2)).toEqual(['releaseLease primary', 'releaseLease local'])
  })

  test('a restore fails when no repository can be held', async () => {
    const play = await bench.restore({ acquireReadLease: fail('NOT_FOUND') })
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'NOT_FOUND' })
    expect(play.calls).not.toContain('preflightRestore')
    expect(play.calls.slice(-2)).toEqual(['releaseLease primary', 'releaseLease local'])
  })
})

function leaseUnless(place: string, code: string): NonNullable<Script['acquireReadLease']> {
  return async ({ repository }) => {
    if (repository === place) throw finalFailure(code)
    return { holder: { workflowId: 'w', runId: 'r' } } as never
  }
}

function fail(code: string): () => Promise<never> {
  return async () => {
    throw finalFailure(code)
  }
}
