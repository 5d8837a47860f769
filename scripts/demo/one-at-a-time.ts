import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Places } from './places.js'

/** Makes this process the demo of its directory. @returns the pid of the one that runs already, if there is one */
export async function claimDemo(places: Places): Promise<number | undefined> {
  const other = await runningDemo(places)
  if (other !== undefined) return other
  await mkdir(dirname(places.directory), { recursive: true })
  await writeFile(pidFile(places), `${process.pid}\n`)
  return undefined
}

/** Ends a demo that runs, as Ctrl-C does, and waits until it has cleaned up. */
export async function endRunningDemo(places: Places): Promise<void> {
  const pid = await runningDemo(places)
  if (pid === undefined) return
  process.kill(pid, 'SIGTERM')
  while ((await runningDemo(places)) !== undefined) await sleep(100)
}

/** Pids are used again: the process must still be a demo. */
async function runningDemo(places: Places): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(pidFile(places), 'utf8').catch(() => ''), 10)
  if (!Number.isInteger(pid) || pid === process.pid) return undefined
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.includes('scripts/demo/main.ts') ? pid : undefined
}

function pidFile({ directory }: Places): string {
  return `${directory}.pid`
}
