import { expect } from 'vitest'
import { type ErrorCode, exitStatusOf } from '../../src/domain/errors.js'
import { type CliResult, runCli } from '../stand/run-cli.js'

export interface Refusal {
  readonly code: ErrorCode
  /** What failed, on what. */
  readonly message: RegExp
  /** What to do next. */
  readonly hint: RegExp
}

type Environment = Readonly<Record<string, string>>

/**
 * Runs a command that cannot succeed, once as a person and once as a program does: both are told the same, the one on standard
 * error in two lines, the other as a document on standard output, with the exit status of the code.
 * @returns what the person was told
 */
export async function expectRefusal(env: Environment, args: readonly string[], refusal: Refusal): Promise<string> {
  const [person, program] = await Promise.all([runCli(args, env), runCli([...args, '--json'], env)])
  const exitStatus = exitStatusOf(refusal.code)
  expect(person, person.stderr).toMatchObject({ exitCode: exitStatus, stdout: '' })
  expect(program, program.stdout).toMatchObject({ exitCode: exitStatus })
  const { error } = JSON.parse(program.stdout) as { error: Record<string, unknown> }
  expect(error).toMatchObject({ code: refusal.code, exitStatus, details: expect.any(Object) })
  expect(error.message).toMatch(refusal.message)
  expect(error.hint).toMatch(refusal.hint)
  const [message, hint] = person.stderr.split(`\n  ${refusal.code}; `)
  expect(message).toMatch(refusal.message)
  expect(hint).toMatch(refusal.hint)
  for (const told of [person, program]) expectFitForEyes(told, env)
  return person.stderr
}

/** Nothing that is said holds a secret of the stand or the place of a defect. */
export function expectFitForEyes({ stdout, stderr }: CliResult, env: Environment): void {
  const said = `${stdout}\n${stderr}`
  expect(said).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
  for (const [name, secret] of Object.entries(env)) if (name.startsWith('STAND_')) expect(said).not.toContain(secret)
}
