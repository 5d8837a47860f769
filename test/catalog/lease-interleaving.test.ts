import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Lease, LeaseHolder } from '../../src/catalog/lease.js'
import { createLeases, type Leases } from '../../src/catalog/leases.js'
import { HoldfastError } from '../../src/domain/errors.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { createMemoryStore } from './memory-store.js'

const system = parseSystemName('avi5')
const start = Date.parse('2026-01-10T03:00:00Z')
const ttlMs = 900_000
const clockSkewMs = 60_000
const holders: readonly LeaseHolder[] = ['a', 'b', 'c'].map((name) => ({ workflowId: `backup/${name}`, runId: name }))

describe('an exclusive lease in a store in memory whose steps are interleaved at random', () => {
  test('is never acquired by two, whatever the order of their steps', async () => {
    let won = 0
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const store = createMemoryStore({ turn: (label) => scheduler.schedule(Promise.resolve(), label) })
        const leases = createLeases({ store, system, now: () => new Date(start), clockSkewMs })
        const tries = holders.map((holder) => outcomeOf(leases.acquireExclusive({ holder, ttlMs })))
        await scheduler.waitFor(Promise.all(tries))
        const winners = (await Promise.all(tries)).filter((lease) => lease !== undefined)
        won += winners.length
        expect(winners.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 400, endOnFailure: true },
    )
    expect(won).toBeGreaterThan(0) // or it would prove nothing
  })

  test('is never held by two while one renews it and clocks run apart', async () => {
    let renewals = 0
    let handovers = 0
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 0, max: ttlMs / 3 }), { minLength: 60, maxLength: 60 }),
        async (scheduler, steps) => {
          let ms = start
          let taken = 0
          // Every step takes time: some hardly any, some a third of a lease.
          const store = createMemoryStore({
            turn: async (label) => {
              await scheduler.schedule(Promise.resolve(), label)
              ms += (steps[taken++ % steps.length] ?? 0) / (taken % 4 === 0 ? 1 : 50)
            },
          })
          const held = new Map<string, number>()
          const hosts = holders.slice(0, 2).map((holder, index) => {
            const skew = index * clockSkewMs
            const leases = createLeases({ store, system, now: () => new Date(ms + skew), clockSkewMs })
            return { holder, leases, trueExpiry: (lease: Lease) => Date.parse(lease.expiresAt) - skew }
          })
          const runs = hosts.map(async ({ holder, leases, trueExpiry }) => {
            for (let round = 0; round < 3; round += 1) {
              let lease = await outcomeOf(leases.acquireExclusive({ holder, ttlMs }))
              if (lease !== undefined && round > 0) handovers += 1
              for (let renewal = 0; lease !== undefined && renewal < 4; renewal += 1) {
                held.set(holder.runId, trueExpiry(lease))
                const others = [...held].filter(([name, until]) => name !== holder.runId && until > ms)
                // A lease that ran out on its way back to its holder is none.
                if (trueExpiry(lease) > ms) expect(others).toEqual([])
                renewals += 1
                lease = await outcomeOf(leases.renew(lease, { ttlMs }))
              }
              held.delete(holder.runId)
              await leases.release(holder)
            }
          })
          await scheduler.waitFor(Promise.all(runs))
        },
      ),
      { numRuns: 150, endOnFailure: true },
    )
    expect(renewals).toBeGreaterThan(100)
    expect(handovers).toBeGreaterThan(10)
  })
})

test('a renewal that arrives after the lease ran out does not bring it back from somebody else (a store in memory, one put stalled)', async () => {
  let ms = start
  let stalled: () => Promise<unknown> = async () => undefined
  const store = createMemoryStore({
    turn: async (label) => {
      if (!label.startsWith('put _holdfast')) return
      const now = stalled
      stalled = async () => undefined
      await now()
    },
  })
  const leases = createLeases({ store, system, now: () => new Date(ms), clockSkewMs })
  const [alice, bob] = holders
  if (alice === undefined || bob === undefined) throw new Error('two holders')
  const lease = await leases.acquireExclusive({ holder: alice, ttlMs })
  stalled = () => {
    ms += ttlMs + clockSkewMs + 1
    return leases.acquireExclusive({ holder: bob, ttlMs })
  }
  await expect(leases.renew(lease, { ttlMs })).rejects.toMatchObject({ code: 'SYSTEM_BUSY' })
  expect((await leases.live()).map((found) => found.holder)).toEqual([bob])
})

/** Undefined for SYSTEM_BUSY; anything else is a failure of the test. */
async function outcomeOf(attempt: ReturnType<Leases['acquireExclusive']>): Promise<Lease | undefined> {
  try {
    return await attempt
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'SYSTEM_BUSY') return undefined
    throw error
  }
}
