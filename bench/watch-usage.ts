import { childrenOf, labelOf, type ProcessStat, proportionalBytes, readStat } from './process-stat.js'

/** Processes that are looked at together: the roots and whatever they start. */
export interface Watched {
  readonly roots: readonly number[] | (() => readonly number[])
  /** `tool`: PostgreSQL's own processes are left out, such as the restored server. `server`: they count; CPU alone. */
  readonly of: 'tool' | 'server'
}

export interface Usage {
  /** The highest sum over all processes at one moment, as proportional set size. */
  readonly peakBytes: number
  /** Who had them at that moment, by program. */
  readonly peakShares: Readonly<Record<string, number>>
  readonly cpuSeconds: number
}

/** Looks every 100 ms. What a process does after the last look at it is not seen. */
export function watchUsage<Name extends string>(groups: Readonly<Record<Name, Watched>>): { stop(): Record<Name, Usage> } {
  const families = (Object.entries(groups) as [Name, Watched][]).map(([name, watched]) => ({ name, family: follow(watched) }))
  const lookAtAll = () => {
    for (const { family } of families) family.look()
  }
  lookAtAll()
  const timer = setInterval(lookAtAll, intervalMs)
  return {
    stop() {
      clearInterval(timer)
      lookAtAll()
      return Object.fromEntries(families.map(({ name, family }) => [name, family.usage()])) as Record<Name, Usage>
    },
  }
}

const intervalMs = 100

interface Member {
  readonly pid: number
  readonly startedAt: string
  /** What it had used before we looked first. */
  readonly cpuBefore: number
  cpuSeconds: number
}

/** Members stay members when their parent ends. */
function follow({ roots, of }: Watched): { look(): void; usage(): Usage } {
  const members = new Map<string, Member>()
  const rootsNow = () => (typeof roots === 'function' ? roots() : [])
  let living = new Set(typeof roots === 'function' ? [] : roots)
  let peakBytes = 0
  let peakShares: Readonly<Record<string, number>> = {}
  let isFirstLook = true

  const note = (stat: ProcessStat): void => {
    const key = `${stat.pid} ${stat.startedAt}`
    const member = members.get(key)
    if (member !== undefined) member.cpuSeconds = stat.cpuSeconds
    else members.set(key, { ...stat, cpuBefore: isFirstLook ? stat.cpuSeconds : 0 })
  }

  return {
    look() {
      const found = new Set<number>()
      const queue = [...living, ...rootsNow()]
      const shares: Record<string, number> = {}
      for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
        const stat = found.has(pid) ? undefined : readStat(pid)
        if (stat === undefined) continue
        found.add(pid)
        queue.push(...childrenOf(pid))
        if (of === 'tool' && stat.program === 'postgres') continue
        note(stat)
        if (of === 'server') continue
        const label = labelOf(stat)
        shares[label] = (shares[label] ?? 0) + proportionalBytes(pid)
      }
      living = found
      const bytes = Object.values(shares).reduce((sum, share) => sum + share, 0)
      if (bytes > peakBytes) [peakBytes, peakShares] = [bytes, shares]
      isFirstLook = false
    },
    usage: () => ({
      peakBytes,
      peakShares,
      cpuSeconds: [...members.values()].reduce((sum, { cpuSeconds, cpuBefore }) => sum + cpuSeconds - cpuBefore, 0),
    }),
  }
}
