import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError } from '../domain/errors.js'
import type { Command } from './command.js'
import { launch } from './launch.js'
import { processFailure } from './process-failure.js'
import { createStderrTail } from './stderr-tail.js'
import { stopOnAbort } from './stop-on-abort.js'

export interface RunOptions {
  /** Aborting ends the program and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** Given on standard input; without it the program reads nothing. */
  readonly input?: string
  /** The most that standard output may hold. 8 MiB unless told. */
  readonly outputLimitBytes?: number
}

const defaultOutputLimitBytes = 8 * 1024 * 1024
/** A daemon the program left behind may keep its pipes open for ever; what the program wrote itself is there at once. */
const drainMs = 2_000

/**
 * Runs a short program to its end, tied to us. `stdout` is as it came; `stderr` is the end of it (4 KiB), masked.
 * @throws HoldfastError TOOL_MISSING; PROCESS_FAILED with details `program` and `exitCode` or `signal`, also for more output
 * than the limit: a cut answer would be a wrong one.
 */
export async function runProgram(command: Command, options: RunOptions): Promise<{ stdout: string; stderr: string }> {
  options.signal?.throwIfAborted()
  const launched = launch(command, { stdin: options.input === undefined ? 'ignore' : 'pipe', stdout: 'pipe' })
  stopOnAbort(launched, options.signal)
  // A program that does not read all of its input is free to; its exit status says whether that was wrong.
  launched.stdin?.on('error', () => {})
  launched.stdin?.end(options.input)

  const limitBytes = options.outputLimitBytes ?? defaultOutputLimitBytes
  const output: Uint8Array[] = []
  let outputBytes = 0
  const stdoutEnded = consume(launched.stdout, (chunk) => {
    outputBytes += chunk.byteLength
    if (outputBytes <= limitBytes) output.push(chunk)
    else launched.kill('SIGKILL')
  })
  const tail = createStderrTail(command.secrets ?? [])
  const stderrEnded = consume(launched.stderr, tail.push)

  const ending = await launched.exited
  await Promise.race([Promise.all([stdoutEnded, stderrEnded]), delay(drainMs, undefined, { ref: false })])
  launched.stdout?.destroy()
  launched.stderr.destroy()

  options.signal?.throwIfAborted()
  if (outputBytes > limitBytes) throw tooMuchOutput(command, limitBytes)
  if (ending.exitCode !== 0) throw processFailure(command, ending, tail.text())
  return { stdout: Buffer.concat(output).toString('utf8'), stderr: tail.text() }
}

function consume(stream: Readable | null, onChunk: (chunk: Uint8Array) => void): Promise<void> {
  if (stream === null) return Promise.resolve()
  stream.on('data', onChunk)
  return new Promise((resolve) => {
    stream.once('close', resolve)
    stream.on('error', () => resolve())
  })
}

function tooMuchOutput(command: Command, limitBytes: number): HoldfastError {
  return new HoldfastError('PROCESS_FAILED', `${command.program} wrote more than ${limitBytes} bytes of output`, {
    details: { program: command.program, limitBytes },
  })
}
