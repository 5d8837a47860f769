import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Command } from '../src/process/command.js'
import { launch } from '../src/process/launch.js'
import { processFailure } from '../src/process/process-failure.js'
import { type Usage, watchUsage } from './watch-usage.js'

export interface Measured {
  readonly startedAtMs: number
  readonly wallMs: number
  readonly stdout: string
  /** Of the command and all it starts. */
  readonly command: Usage
  /** Of a worker that does its work, where there is one. */
  readonly worker: Usage
  /** Of the PostgreSQL server that is read from; its CPU time only. */
  readonly source: Usage
}

export interface Beside {
  readonly sourceDataDirectory: string
  readonly workerPid?: number
  readonly signal: AbortSignal
}

/** Runs a command to its end with an eye on what it uses. @throws when it fails, with the end of what it said */
export async function measure(command: Command, { sourceDataDirectory, workerPid, signal }: Beside): Promise<Measured> {
  signal.throwIfAborted()
  const postmaster = Number.parseInt(await readFile(join(sourceDataDirectory, 'postmaster.pid'), 'utf8'), 10)
  const startedAtMs = Date.now()
  const start = performance.now()
  const launched = launch(command, { stdin: 'ignore', stdout: 'pipe' })
  const kill = () => launched.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  const watch = watchUsage({
    command: { roots: [launched.pid], of: 'tool' },
    worker: { roots: workerPid === undefined ? [] : [workerPid], of: 'tool' },
    source: { roots: [postmaster], of: 'server' },
  })
  const said = Promise.all([launched.stdout === null ? '' : text(launched.stdout), text(launched.stderr)])
  const ending = await launched.exited
  const wallMs = performance.now() - start
  const usage = watch.stop()
  signal.removeEventListener('abort', kill)
  const [stdout, stderr] = await said
  signal.throwIfAborted()
  if (ending.exitCode !== 0) throw processFailure(command, ending, `${stdout}${stderr}`.slice(-4000))
  return { startedAtMs, wallMs, stdout, ...usage }
}
