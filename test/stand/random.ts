/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** At least 0, below 1. */
  next(): number
  /** At least `from`, below `to`. */
  between(from: number, to: number): number
  pick<T>(choices: readonly [T, ...T[]]): T
}

const isLong = process.env.HOLDFAST_TEST_LONG === '1'

/** How many kills of each kind. */
export function killCount(): number {
  return Number(process.env.HOLDFAST_KILLS ?? (isLong ? 100 : 10))
}

/** Of HOLDFAST_SEED; else always the same, and of the clock in a long run. Printed, so that a failure can be seen again. */
export function chooseSeed(what: string): number {
  const seed = Number(process.env.HOLDFAST_SEED ?? (isLong ? Date.now() % 0x7fffffff : 20_260_110))
  process.stdout.write(`${what}: HOLDFAST_SEED=${seed}\n`)
  return seed
}

/** mulberry32: https://github.com/cprosche/mulberry32. @param salt makes different rows of one seed */
export function createRandom(seed: number, salt = ''): Random {
  let state = [...salt].reduce((sum, character) => Math.imul(sum ^ character.charCodeAt(0), 16777619), seed | 0)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  return {
    next,
    between: (from, to) => from + (to - from) * next(),
    pick: (choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
  }
}
