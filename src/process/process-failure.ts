import { constants } from 'node:os'
import { basename } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import type { Command } from './command.js'

/** How a program ended: exactly one of the two is not null. */
export interface Ending {
  readonly exitCode: number | null
  readonly signal: string | null
}

/**
 * A shell between us and the program tells "ended by signal n" as status 128 + n. Programs that use such a status themselves
 * are read as killed; both are failures.
 */
export function endingOf(exitCode: number | null, signal: string | null): Ending {
  if (exitCode === null || exitCode <= 128) return { exitCode, signal }
  const name = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0]
  return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name }
}

/** PROCESS_FAILED with details `program` and `exitCode` or `signal`; `stderr` is the masked end of what it said. */
export function processFailure(command: Command, ending: Ending, stderr: string): HoldfastError {
  const program = basename(command.program)
  const how = ending.signal === null ? `exited with status ${ending.exitCode}` : `was ended by ${ending.signal}`
  return new HoldfastError('PROCESS_FAILED', `${program} ${how}${stderr === '' ? '' : `: ${stderr}`}`, {
    details: { program, ...(ending.signal === null ? { exitCode: ending.exitCode } : { signal: ending.signal }) },
  })
}
