import { PassThrough, pipeline, type Readable, type Writable } from 'node:stream'
import { execa } from 'execa'
import { HoldfastError } from '../domain/errors.js'
import type { Command } from './command.js'
import { invocationOf } from './invocation.js'
import { type Ending, endingOf } from './process-failure.js'

export type Channel = 'pipe' | 'ignore'

export interface Launched {
  /** Also the id of its process group. */
  readonly pid: number
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable
  /** When the program is gone; its pipes may still hold output. Never rejects. */
  readonly exited: Promise<Ending>
  /** To the program and all it started. Says nothing if nobody is left. */
  kill(signal: NodeJS.Signals): void
}

/**
 * Starts a command tied to us, in a session of its own: Ctrl-C at the terminal reaches us alone, and we decide; no program can
 * ask for a password on the terminal. Needs our main thread: the kernel ties it to the thread that started it.
 * @throws HoldfastError TOOL_MISSING, CONFIG_INVALID, LOCAL_IO (the system cannot start it)
 */
export function launch(command: Command, channels: { stdin: Channel; stdout: Channel }): Launched {
  const { file, args, cwd, env } = invocationOf(command, { lifetime: 'tied', environment: 'minimal' })
  const child = execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
    encoding: 'buffer',
    stdin: channels.stdin,
    stdout: channels.stdout,
    stderr: 'pipe',
  })
  const { pid } = child
  if (pid === undefined) {
    throw new HoldfastError('LOCAL_IO', `the system cannot start ${command.program}`, {
      hint: `check that the directory ${cwd} exists and that the limits on processes and open files leave room`,
      details: { program: command.program },
    })
  }
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout === null ? null : guarded(child.stdout),
    stderr: child.stderr,
    exited: new Promise((resolve) => {
      child.nodeChildProcess.once('exit', (exitCode, signal) => resolve(endingOf(exitCode, signal)))
    }),
    kill: (signal) => killGroup(pid, signal),
  }
}

/**
 * Output nobody reads yet when the program exits is thrown away, by execa as by Node itself, and its reader would see a clean
 * end. A stream of our own, attached from the first moment, keeps it: at most 1 MiB and what the pipe holds.
 */
function guarded(output: Readable): Readable {
  const kept = new PassThrough({ highWaterMark: keptOutputBytes })
  pipeline(output, kept, () => {})
  return kept
}

const keptOutputBytes = 1024 * 1024

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: all gone. EPERM: what is left belongs to somebody else (a program that changed its user).
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}
