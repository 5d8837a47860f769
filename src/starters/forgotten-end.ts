import { HoldfastError } from '../domain/errors.js'
import { reportError } from './report-error.js'

/** A command that waits for what never comes leaves Node without work, which then ends with status 0, as if all were done: an INTERNAL error. */
export function failWhenForgotten(audience: Parameters<typeof reportError>[1]): void {
  // Not emitted by `process.exit()`, with which commands end.
  process.once('beforeExit', () => {
    process.exit(
      reportError(new HoldfastError('INTERNAL', 'the command waits for something that cannot come any more'), audience),
    )
  })
}
