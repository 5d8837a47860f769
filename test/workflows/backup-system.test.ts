import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { mockedActivities, primary } from './mocked-activities.js'
import { untilCancelled } from './until-cancelled.js'
import { finalFailure, openWorkflowBench, type Play, type Script, type WorkflowBench } from './workflow-bench.js'

/* The real workflow on a real Temporal server; all activities are mocked. */

let bench: WorkflowBench

beforeAll(async () => {
  bench = await openWorkflowBench(inject('temporalAddress'))
})

afterAll(async () => {
  await bench?.close()
})

describe.concurrent('backupSystem, with mocked activities', () => {
  test('commits in the capture repository first, in the others once their copy is whole, and then releases the lease', async () => {
    const replicated = Promise.withResolvers<void>()
    const play = await bench.backup({
      async replicateAttempt() {
        replicated.resolve()
        return { partsKept: 1, partsSent: 1, bytesKept: 1, bytesSent: 1 }
      },
      async captureAttempt(input) {
        // The copy may be complete before the capture is: it still waits for the first commit.
        await replicated.promise
        return await capture(input)
      },
    })
    expect(await play.ending).toMatchObject({
      outcome: 'done',
      report: {
        outcome: 'complete',
        attempts: 1,
        copies: { local: { state: 'committed' }, primary: { state: 'committed' } },
        warnings: ['the disk is nearly full', 'as noted'],
      },
    })
    expect(play.calls.filter((call) => !/replicate|captureAttempt/.test(call))).toEqual([
      'planBackup',
      'acquireCaptureLease local',
      'runHooks before',
      'precheck',
      'commitManifest local',
      'verifyCopy primary',
      'commitManifest primary',
      'forgetJobs a1',
      'runHooks after',
      'releaseLease local',
    ])
  })

  test.each<[string, Script, object]>([
    ['is refused', { replicateAttempt: fail('STORE_DENIED') }, { code: 'STORE_DENIED' }],
    ['turns out damaged', { verifyCopy: fail('ARTIFACT_DAMAGED') }, { code: 'ARTIFACT_DAMAGED' }],
    ['cannot be committed', { commitManifest: failIn('primary', 'STORE_DENIED') }, { code: 'STORE_DENIED' }],
    ['is not there by its deadline', { replicateAttempt: untilCancelled }, { code: 'TIMED_OUT' }],
  ])('a copy that %s leaves the backup degraded, and is cleaned up', async (_what, script, missing) => {
    const play = await bench.backup(script, { deadlineMs: 3000 })
    expect(await play.ending).toMatchObject({
      outcome: 'done',
      report: { outcome: 'degraded', copies: { local: { state: 'committed' }, primary: { state: 'missing', ...missing } } },
    })
    expect(play.calls).toContain('discardReplica a1 primary')
    expect(play.calls).not.toContain('discardCapture a1')
    expectReleased(play)
  })

  test('the deadline of a copy begins with the first commit, however long the capture takes', async () => {
    let watches = 0
    const play = await bench.backup(
      {
        async captureAttempt(input) {
          await new Promise((wait) => setTimeout(wait, 3000))
          return capture(input)
        },
        async replicateAttempt() {
          watches += 1
          if (watches === 1) return untilCancelled()
          return { partsKept: 0, partsSent: 1, bytesKept: 0, bytesSent: 1 }
        },
      },
      { deadlineMs: 2000 },
    )
    expect(await play.ending).toMatchObject({ report: { outcome: 'complete' } })
    expect(play.calls.filter((call) => /replicate|captureAttempt|commit/.test(call))).toEqual([
      expect.stringMatching('a1'),
      expect.stringMatching('a1'),
      'commitManifest local',
      'replicateAttempt a1 primary',
      'commitManifest primary',
    ])
  })

  test('a copy whose commit came to pass although it was reported as failed counts', async () => {
    const play = await bench.backup({
      commitManifest: failIn('primary', 'STORE_DENIED'),
      discardReplica: async () => 'committed',
    })
    expect(await play.ending).toMatchObject({ report: { outcome: 'complete' } })
  })

  test('cancelled before the first commit, everything is removed and nothing committed', async () => {
    const play = await bench.backup({ captureAttempt: untilCancelled, replicateAttempt: untilCancelled })
    await play.began('captureAttempt a1')
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(play.calls.slice(-4, -2).sort()).toEqual(['discardCapture a1', 'discardReplica a1 primary'])
    expect(play.calls.slice(-2)).toEqual(['runHooks after', 'releaseLease local'])
    expect(play.calls.some((call) => call.startsWith('commitManifest'))).toBe(false)
  })

  test('cancelled after the first commit, the backup stays and is degraded', async () => {
    const play = await bench.backup({ verifyCopy: untilCancelled })
    await play.began('verifyCopy primary')
    await play.handle.cancel()
    expect(await play.ending).toMatchObject({
      outcome: 'done',
      report: { outcome: 'degraded', copies: { local: { state: 'committed' }, primary: { state: 'missing', code: 'STOPPED' } } },
    })
    expect(play.calls).toContain('discardReplica a1 primary')
    expect(play.calls).not.toContain('discardCapture a1')
    expectReleased(play)
  })

  test('a cancellation during the first commit comes too late', async () => {
    const cancelled = Promise.withResolvers<void>()
    const play = await bench.backup({
      async commitManifest({ repository }) {
        if (repository !== primary) await cancelled.promise
      },
    })
    await play.began('commitManifest local')
    await play.handle.cancel()
    cancelled.resolve()
    expect(await play.ending).toMatchObject({ report: { outcome: 'degraded', copies: { local: { state: 'committed' } } } })
  })

  test('a capture is stopped and hooks run at once, however long a repository that is away keeps its copy from being removed', async () => {
    const over = Promise.withResolvers<void>()
    const play = await bench.backup({
      captureAttempt: untilCancelled,
      async discardReplica() {
        await over.promise
        return 'removed'
      },
      async runHooks(_plan, when) {
        if (when === 'after') over.resolve()
      },
    })
    await play.began('captureAttempt a1')
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect(play.calls.indexOf('discardCapture a1')).toBeLessThan(play.calls.indexOf('runHooks after'))
    expect(play.calls.filter((call) => call.startsWith('discardReplica'))).toHaveLength(1)
    expectReleased(play)
  })

  test('a lost capture is begun again while what it sent to a repository that is away is still being removed', async () => {
    const begun = Promise.withResolvers<void>()
    const play = await bench.backup({
      async captureAttempt(input) {
        if (input.attempt === 'a1') return throwFinally('CAPTURE_LOST')
        begun.resolve()
        return capture(input)
      },
      async discardReplica() {
        await begun.promise
        return 'removed'
      },
    })
    expect(await play.ending).toMatchObject({ report: { outcome: 'complete', attempts: 2 } })
    expectReleased(play)
  })

  test('what a lost attempt left in a repository that was away is removed once a later copy is there', async () => {
    let tries = 0
    const play = await bench.backup({
      captureAttempt: failOnce('a1', 'CAPTURE_LOST'),
      async discardReplica() {
        tries += 1
        return tries === 1 ? throwFinally('STORE_DENIED') : 'removed'
      },
    })
    expect(await play.ending).toMatchObject({
      report: { outcome: 'complete', warnings: ['the disk is nearly full', 'as noted'] },
    })
    const [committed, removed] = ['commitManifest primary', 'discardReplica a1 primary'].map((call) =>
      play.calls.lastIndexOf(call),
    )
    expect(removed).toBeGreaterThan(committed ?? 0)
    expectReleased(play)
  })

  const leftBehind = expect.stringMatching(
    /primary below shop\/full\/2026\/01\/10\/shop_full_2026-01-10T03-00-00Z\/a1\/ .*What is left/,
  )

  test('what a lost attempt left and cannot be removed is a warning', async () => {
    const play = await bench.backup({ captureAttempt: failOnce('a1', 'CAPTURE_LOST'), discardReplica: fail('STORE_DENIED') })
    expect(await play.ending).toMatchObject({
      report: { outcome: 'complete', attempts: 2, warnings: ['the disk is nearly full', 'as noted', leftBehind] },
    })
    expect(play.calls.filter((call) => call === 'discardReplica a1 primary')).toHaveLength(2)
  })

  test('what a failed backup left and cannot be removed is in its failure, and not tried again where nobody answers', async () => {
    const play = await bench.backup({ captureAttempt: fail('SOURCE_DENIED'), discardReplica: fail('STORE_DENIED') })
    expect(await play.ending).toEqual({ outcome: 'failed', code: 'SOURCE_DENIED', message: leftBehind })
    expect(play.calls.filter((call) => call === 'discardReplica a1 primary')).toHaveLength(1)
  })

  test('what a cancelled backup left and cannot be removed is on its board', async () => {
    const play = await bench.backup({ captureAttempt: untilCancelled, discardReplica: fail('STORE_DENIED') })
    await play.began('captureAttempt a1')
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expect((await play.status()).steps).toContainEqual({ name: 'replicate primary', state: 'failed', note: leftBehind })
  })

  test('a lost capture is begun again as the next attempt, once nothing is left of it on the host', async () => {
    const play = await bench.backup({ captureAttempt: failOnce('a1', 'CAPTURE_LOST') })
    expect(await play.ending).toMatchObject({ report: { outcome: 'complete', attempts: 2 } })
    const attempts = play.calls.filter((call) => /discardCapture|captureAttempt/.test(call))
    expect(attempts).toEqual(['captureAttempt a1', 'discardCapture a1', 'captureAttempt a2'])
    expect(play.calls).toContain('discardReplica a1 primary')
    expect(play.calls.filter((call) => call === 'acquireCaptureLease local')).toHaveLength(1)
  })

  test('a capture that is lost three times fails the backup; one that cannot succeed is not begun again', async () => {
    const lost = await bench.backup({ captureAttempt: fail('CAPTURE_LOST') })
    expect(await lost.ending).toMatchObject({ outcome: 'failed', code: 'CAPTURE_LOST' })
    expect(lost.calls.filter((call) => call.startsWith('captureAttempt'))).toEqual(
      ['a1', 'a2', 'a3'].map((n) => `captureAttempt ${n}`),
    )
    expectReleased(lost)
    const denied = await bench.backup({ captureAttempt: fail('SOURCE_DENIED') })
    expect(await denied.ending).toMatchObject({ outcome: 'failed', code: 'SOURCE_DENIED' })
    expect(denied.calls.filter((call) => call.startsWith('captureAttempt'))).toEqual(['captureAttempt a1'])
    expect(denied.calls.slice(-2)).toEqual(['runHooks after', 'releaseLease local'])
  })

  test('a commit that came to pass although it was reported as failed is a backup, and its copies go on', async () => {
    const play = await bench.backup({
      commitManifest: failIn('local', 'STORE_DENIED'),
      discardCapture: async () => 'committed',
    })
    expect(await play.ending).toMatchObject({ report: { outcome: 'complete', attempts: 1 } })
    expect(play.calls).not.toContain('discardReplica a1 primary')
    expect(play.calls).toContain('commitManifest primary')
  })

  test('a commit that failed fails the backup, and no copy is committed', async () => {
    const play = await bench.backup({ commitManifest: failIn('local', 'STORE_DENIED') })
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'STORE_DENIED' })
    expect(play.calls).toContain('discardReplica a1 primary')
    expect(play.calls).not.toContain('commitManifest primary')
    expectReleased(play)
  })

  test('a hook that fails before the backup keeps it from beginning; hooks after it run all the same', async () => {
    const play = await bench.backup({ runHooks: failWhen('before') })
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'HOOK_FAILED' })
    expect(play.calls.slice(2)).toEqual(['runHooks before', 'runHooks after', 'releaseLease local'])
  })

  test('a hook that fails after the backup is a warning', async () => {
    const play = await bench.backup({ runHooks: failWhen('after') })
    expect(await play.ending).toMatchObject({
      report: { outcome: 'complete', warnings: ['the disk is nearly full', 'as noted', 'as the test wants it'] },
    })
  })

  test('the lease is renewed while the backup runs, also while a cancelled one is cleaned up', async () => {
    let cleaning = false
    const renewals = { running: Promise.withResolvers<void>(), cleaning: Promise.withResolvers<void>() }
    const play = await bench.backup(
      {
        captureAttempt: untilCancelled,
        async renewLease(_place, lease) {
          renewals[cleaning ? 'cleaning' : 'running'].resolve()
          return lease
        },
        async discardCapture() {
          cleaning = true
          await renewals.cleaning.promise
          return 'removed'
        },
      },
      { leaseMs: 1500 },
    )
    await renewals.running.promise
    await play.handle.cancel()
    expect(await play.ending).toEqual({ outcome: 'cancelled' })
    expectReleased(play)
  })

  test('a lease that cannot be renewed does not stop a capture', async () => {
    const ended = Promise.withResolvers<void>()
    let tries = 0
    const play = await bench.backup(
      {
        async captureAttempt(input) {
          await ended.promise
          return capture(input)
        },
        async renewLease() {
          tries += 1
          if (tries === 2) ended.resolve()
          return throwFinally('STORE_DENIED')
        },
      },
      { leaseMs: 1000 },
    )
    expect(await play.ending).toMatchObject({ report: { outcome: 'complete' } })
    expectReleased(play)
  })

  test('a lease somebody else holds fails the backup before anything is done', async () => {
    const play = await bench.backup({ acquireCaptureLease: fail('SYSTEM_BUSY') })
    expect(await play.ending).toMatchObject({ outcome: 'failed', code: 'SYSTEM_BUSY' })
    expect(play.calls.slice(1)).toEqual(['acquireCaptureLease local', 'releaseLease local'])
  })

  test('the status query and the details in the UI tell every step', async () => {
    const play = await bench.backup({ captureAttempt: untilCancelled, replicateAttempt: fail('STORE_DENIED') })
    await play.began('captureAttempt a1')
    await play.handle.signal('jobProgress', { step: 'capture', doneBytes: 500, totalBytes: 1000 })
    await play.handle.signal('jobProgress', { step: 'no such step', doneBytes: 1 })
    const steps = async () => Object.fromEntries((await play.status()).steps.map((step) => [step.name, step]))
    while ((await steps())['replicate primary']?.state !== 'failed') await new Promise((wait) => setTimeout(wait, 20))
    expect(await steps()).toMatchObject({
      check: { state: 'done', note: expect.stringContaining('15.18') },
      capture: { state: 'running', progress: { doneBytes: 500 } },
      'commit local': { state: 'waiting' },
      'replicate primary': { state: 'failed', note: 'STORE_DENIED: as the test wants it' },
    })
    expect((await play.status()).steps).toHaveLength(4)
    const { currentDetails } = await play.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')
    expect(currentDetails).toMatch(/Backup shop.*capture.*500.*commit local.*replicate primary.*as the test wants it/s)
    await play.handle.cancel()
    await play.ending
  })
})

async function capture(input: Parameters<NonNullable<Script['captureAttempt']>>[0]) {
  return mockedActivities({}).captureAttempt(input)
}

function throwFinally(code: string): never {
  throw finalFailure(code)
}

function fail(code: string): () => Promise<never> {
  return async () => throwFinally(code)
}

function failIn(place: string, code: string): NonNullable<Script['commitManifest']> {
  return async ({ repository }) => {
    if (repository === place) throwFinally(code)
  }
}

function failWhen(time: 'before' | 'after'): NonNullable<Script['runHooks']> {
  return async (_plan, when) => {
    if (when === time) throwFinally('HOOK_FAILED')
  }
}

function failOnce(attempt: string, code: string): NonNullable<Script['captureAttempt']> {
  return async (input) => (input.attempt === attempt ? throwFinally(code) : capture(input))
}

function expectReleased({ calls }: Play<unknown>): void {
  expect(calls.at(-1)).toBe('releaseLease local')
  expect(calls.filter((call) => call === 'releaseLease local')).toHaveLength(1)
}
