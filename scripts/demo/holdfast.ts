import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { startDetached } from '../../src/process/start-detached.js'
import { isAlive } from './own-processes.js'
import type { Places } from './places.js'
import type { Story } from './story.js'

const cli = resolve('dist/bundle/holdfast.cjs')

/** How an operator would type it, from the checkout. */
export function commandLine(places: Places, ...args: readonly string[]): string {
  return `node ${relative('.', cli)} -c ${shortPath(places.configFile)} ${args.join(' ')}`.trimEnd()
}

/** As seen from the checkout, where that is below it. */
export function shortPath(path: string): string {
  const short = relative('.', path)
  return short.startsWith('..') ? path : short
}

/** Runs a verb as an operator does, and shows what it prints. @throws when it fails */
export async function runHoldfast(story: Story, places: Places, ...args: readonly string[]): Promise<void> {
  story.command(commandLine(places, ...args))
  const child = execa(process.execPath, [cli, '-c', places.configFile, ...args], {
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    all: true,
  })
  for await (const line of child.iterable({ from: 'all' })) story.output(line)
  const { exitCode } = await child
  if (exitCode !== 0) throw new Error(`holdfast ${args[0]} ended with status ${exitCode ?? 'of a signal'}`)
}

/** Starts `holdfast worker`, which lives on without us. @returns its pid, once it is ready */
export async function startWorker(places: Places): Promise<number> {
  const before = await readText(places.workerLog)
  const args = [cli, '-c', places.configFile, 'worker']
  const { pid } = await startDetached({ program: process.execPath, args }, { logFile: places.workerLog, environment: 'minimal' })
  while (!(await readText(places.workerLog)).slice(before.length).includes('worker is ready')) {
    if (!(await isAlive(pid))) throw new Error(`the worker ended while it started; see ${places.workerLog}`)
    await sleep(50)
  }
  return pid
}

/** Without the TEMPORAL_* and HOLDFAST_* variables somebody may have set: the demo speaks to its own servers only. */
function cleanEnvironment(): Record<string, string> {
  const { PATH = '/usr/bin:/bin', HOME = '/' } = process.env
  return { PATH, HOME }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
