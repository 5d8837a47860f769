import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

interface ProcessState {
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
}

/** What the kernel says of a process; undefined when it is gone or dead and not yet collected. */
export function processState(pid: number): ProcessState | undefined {
  try {
    const [state = '', parent, group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return state === 'Z' || state === 'X'
      ? undefined
      : { state, parent: Number(parent), group: Number(group), session: Number(session) }
  } catch {
    return undefined
  }
}

/** Waits until `condition` holds; fails after 5 s, naming what was waited for. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await delay(20)
  }
}

/** Living members of a process group. */
export function membersOf(group: number): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
  return pids.filter((pid) => processState(pid)?.group === group)
}
