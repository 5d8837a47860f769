import type { Readable, Writable } from 'node:stream'
import type { Command } from './command.js'
import { type Channel, type Launched, launch } from './launch.js'
import { processFailure } from './process-failure.js'
import { createStderrTail, type StderrTail } from './stderr-tail.js'
import { stopOnAbort } from './stop-on-abort.js'

export interface StartOptions {
  /** Aborting ends the program: SIGTERM, SIGKILL after 5 s. `finished` then rejects with `signal.reason`. */
  readonly signal: AbortSignal
  readonly stdin: Channel
  readonly stdout: Channel
  /** Each line of standard error as it comes, masked. */
  readonly onStderrLine?: (line: string) => void
}

/** A program under way. `stdin` and `stdout` are there if they were asked for as `pipe`. */
export interface RunningProgram {
  readonly pid: number
  readonly stdin?: Writable
  readonly stdout?: Readable
  /** The end of what it said on standard error: at most 4 KiB, masked. */
  stderrTail(): string
  /** Resolves when it exited with status 0; rejects with PROCESS_FAILED or `signal.reason`. Says nothing of `stdout`'s end. */
  readonly finished: Promise<void>
}

/**
 * Starts a program that moves bulk data; nothing of `stdout` is buffered beyond the pipe. It has its own session, and it and
 * whatever it started end when it ends, and when we end, even by SIGKILL.
 * @throws HoldfastError TOOL_MISSING, CONFIG_INVALID, PROCESS_FAILED; `signal.reason` if already aborted
 */
export function startProgram(command: Command, options: StartOptions): RunningProgram {
  options.signal.throwIfAborted()
  const launched = launch(command, options)
  stopOnAbort(launched, options.signal)
  const tail = createStderrTail(command.secrets ?? [], options.onStderrLine)
  launched.stderr.on('data', tail.push)
  // Broken pipes are seen by whoever reads and writes, and in the exit status; they must not end our process.
  launched.stdin?.on('error', () => {})
  const finished = finish(command, launched, tail, options.signal)
  // Callers often look at the streams first; a rejection nobody waits for yet is not a defect.
  finished.catch(() => {})
  return {
    pid: launched.pid,
    ...(launched.stdin === null ? {} : { stdin: launched.stdin }),
    ...(launched.stdout === null ? {} : { stdout: launched.stdout }),
    stderrTail: tail.text,
    finished,
  }
}

async function finish(command: Command, launched: Launched, tail: StderrTail, signal: AbortSignal): Promise<void> {
  const stderrClosed = new Promise((resolve) => launched.stderr.once('close', resolve))
  const ending = await launched.exited
  // Leftovers of a program that died without them: nobody would ever end those.
  launched.kill('SIGKILL')
  await stderrClosed
  signal.throwIfAborted()
  if (ending.exitCode !== 0) throw processFailure(command, ending, tail.text())
}
