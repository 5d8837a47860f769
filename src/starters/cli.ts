#!/usr/bin/env node
import { toHoldfastError } from '../domain/errors.js'
import { failWhenForgotten } from './forgotten-end.js'
import { outliveReader, written } from './output.js'
import { buildProgram } from './program.js'
import { reportError } from './report-error.js'
import { isAnswered } from './usage-error.js'

/* The `holdfast` command. Not awaited: a module that waits could not be bundled as one that is loaded at once. */
void run()

async function run(): Promise<never> {
  const audience = process.argv.includes('--json') ? 'program' : 'person'
  failWhenForgotten(audience)
  outliveReader(process.stdout)
  outliveReader(process.stderr)
  try {
    await buildProgram(process.env).parseAsync()
  } catch (error) {
    if (!isAnswered(error)) {
      process.exitCode = reportError(toHoldfastError(error), audience)
    }
  }
  await Promise.all([written(process.stdout), written(process.stderr)])
  // Not left to Node: Temporal's client repeats calls by timers that outlive its connection, and one that fires then is fatal.
  process.exit()
}
