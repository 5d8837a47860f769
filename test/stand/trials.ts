import { createRandom, killCount } from './random.js'

/** One of several runs of the same test, at another moment each time. */
export interface Trial {
  /** From 1. */
  readonly number: number
  /** Repeats this trial alone: HOLDFAST_SEED=<seed> HOLDFAST_KILLS=1. */
  readonly seed: number
  /** Different at each call, the same for the same seed. From 0, below 1. */
  random(): number
  /** A whole number of milliseconds from 0, below `limitMs`. */
  delayMs(limitMs: number): number
}

/**
 * As many as are needed for HOLDFAST_KILLS kills (10, or 100 in a long run), so many of which are met in each trial, by operations
 * that go on at once or by one again. Titles of tests should name the seed: `trial $number (seed $seed)`.
 */
export function trials(killsEach = 1): Trial[] {
  const first = Number(process.env.HOLDFAST_SEED ?? 20_260_110)
  const count = Math.ceil(killCount() / killsEach)
  return Array.from({ length: count }, (_, index) => trial(index + 1, first + index))
}

function trial(number: number, seed: number): Trial {
  const { next } = createRandom(seed)
  return { number, seed, random: next, delayMs: (limitMs) => Math.floor(next() * limitMs) }
}
