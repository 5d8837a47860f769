import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createWalWindow } from '../../src/jobs/wal-window.js'

const order = Array.from({ length: 40 }, (_, number) => `s${number}`)
const look = (ready: readonly string[], handed = '', wanted = '', underWay: readonly string[] = []) => ({
  ready: new Set(ready),
  underWay: new Set(underWay),
  handed,
  wanted,
})

describe('the window of WAL ahead of replay', () => {
  test('begins with the first files, in order, and is filled when those a server should find are there', () => {
    const next = createWalWindow(order, 10)
    expect(next(look([]))).toMatchObject({ fetch: order.slice(0, 10), remove: [], given: 0, filled: false })
    expect(next(look(order.slice(0, 7)))).toMatchObject({ fetch: order.slice(7, 10), filled: false })
    expect(next(look(order.slice(0, 8)))).toMatchObject({ fetch: ['s8', 's9'], filled: true })
  })

  test('moves with what was handed over; what is under way is not begun twice', () => {
    const next = createWalWindow(order, 4)
    expect(next(look(['s6', 's7'], 's5', '', ['s8']))).toMatchObject({ fetch: ['s9'], remove: [], given: 6 })
  })

  test('goes back to what a server asks for that was killed, and drops what lies too far ahead', () => {
    const next = createWalWindow(order, 4)
    expect(next(look(['s20', 's21', 's5'], 's19', 's3'))).toEqual({
      ...{ fetch: ['s3', 's4', 's6'], remove: ['s20', 's21'], given: 3 },
      filled: false,
    })
  })

  test('is filled with nothing where there is nothing left', () => {
    expect(createWalWindow(order, 4)(look([], 's39'))).toMatchObject({ fetch: [], filled: true, given: 40 })
    expect(createWalWindow([], 4)(look([]))).toMatchObject({ fetch: [], filled: true })
  })

  test('whatever is asked for, it is fetched, no more than the window is held, and replay comes to its end', () => {
    const steps = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant('goes on') }, fc.nat(39)), { maxLength: 60 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), steps, (width, what) => {
        const next = createWalWindow(order, width)
        const ready = new Set<string>()
        let [asks, handed] = [0, '']
        for (const step of [...what, ...order.map(() => 'goes on' as const)]) {
          // Killed, a server begins again with what lies before.
          if (step !== 'goes on') asks = Math.min(step, asks)
          const wanted = order[asks] ?? ''
          const moves = next({ ready, underWay: new Set(), wanted, handed })
          for (const file of moves.remove) ready.delete(file)
          for (const file of moves.fetch) ready.add(file)
          expect(ready.size).toBeLessThanOrEqual(width)
          if (wanted === '') continue
          expect(ready.delete(wanted)).toBe(true)
          handed = wanted
          asks += 1
        }
        expect(asks).toBe(order.length)
      }),
      { seed: 20_260_110, numRuns: 300 },
    )
  })
})
