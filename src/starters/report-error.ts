import { exitStatusOf, type HoldfastError } from '../domain/errors.js'
import { redactText } from '../domain/redact-text.js'

/**
 * Tells an error: a person on standard error; a program (`--json`) on standard output, where it waits for one document.
 * @returns the exit status
 */
export function reportError(error: HoldfastError, audience: 'person' | 'program'): number {
  const { code, details } = error
  const [message, hint] = [redactText(error.message), redactText(error.hint)]
  const exitStatus = exitStatusOf(code)
  if (audience === 'program') {
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint, details, exitStatus } })}\n`)
  } else {
    process.stderr.write(`holdfast: ${message}\n  ${code}; ${hint}\n`)
  }
  if (code === 'INTERNAL' && process.env.HOLDFAST_DEBUG !== undefined) process.stderr.write(`${redactText(error.stack ?? '')}\n`)
  return exitStatus
}
