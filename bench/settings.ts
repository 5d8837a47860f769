/** What the variables of the environment ask for. */
export interface Settings {
  /** Share of the full size: 1 is pgbench's scale 100 and 7 million hashes. */
  readonly scale: number
  /** Of each contender; the figures are the medians. */
  readonly runs: number
  readonly docs: 'written' | 'left'
}

/** @throws with all of the names, so that a typing error does not cost half an hour */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const unknown = Object.keys(env).filter((name) => name.startsWith('BENCH_') && !known.has(name))
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: the benchmark knows ${[...known].join(', ')}`)
  const runs = positive(env, 'BENCH_RUNS', 5)
  if (!Number.isInteger(runs)) throw new Error(`BENCH_RUNS=${runs}: a whole number from 1`)
  const scale = positive(env, 'BENCH_SCALE', 1)
  if (scale < 0.01) throw new Error(`BENCH_SCALE=${scale}: pgbench has no scale below 1, which is 0.01 here`)
  return { scale, runs, docs: ['', '0', 'no'].includes(env.BENCH_WRITE ?? '') ? 'left' : 'written' }
}

const known = new Set(['BENCH_RUNS', 'BENCH_SCALE', 'BENCH_WRITE'])

function positive(env: NodeJS.ProcessEnv, name: string, usual: number): number {
  const value = Number(env[name] ?? usual)
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new Error(`${name}=${env[name]}: a number above 0`)
  return value
}
