import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** Full names of tests, modules that did not load, and the messages of errors nobody caught. */
  readonly failures: readonly string[]
  /** Full names; they count among the failed. */
  readonly skipped: readonly string[]
}

/**
 * Counts a run and writes `<passed> <failed>` to the file HOLDFAST_TEST_SUMMARY names, then what failed, a line each: who sees
 * only the end of the output learns that too. A skipped test is a failure, and so is
 * a run without tests: what was not run must not look like what passed.
 */
export function summaryReporter(): Reporter {
  let vitest: Vitest | undefined
  return {
    onInit(instance) {
      vitest = instance
    },
    onTestRunEnd(modules, unhandledErrors) {
      // Whoever asks for some tests by name has skipped the rest on purpose.
      const chosen = vitest?.config.testNamePattern !== undefined
      const { passed, failed, failures, skipped } = tally(modules, unhandledErrors)
      if (skipped.length > 0 && !chosen) {
        process.exitCode = 1
        for (const name of skipped) vitest?.logger.error(`skipped, which counts as failed: ${name}`)
      }
      const file = process.env.HOLDFAST_TEST_SUMMARY
      const lines = [`${passed} ${chosen ? failed - skipped.length : failed}`, ...failures]
      if (file !== undefined) writeFileSync(file, `${lines.join('\n')}\n`)
    },
  }
}

/** Adds up a run: failed are tests, modules that did not load, errors nobody caught, and what was skipped. */
export function tally(modules: readonly TestModule[], unhandledErrors: readonly { readonly message: string }[]): Tally {
  let passed = 0
  const failures = unhandledErrors.map(({ message }) => `an error nobody caught: ${message.split('\n', 1)[0]}`)
  const skipped: string[] = []
  for (const module of modules) {
    const failedHere: string[] = []
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      const name = `${module.relativeModuleId} > ${test.fullName}`
      if (state === 'passed') passed += 1
      else if (state === 'failed') failedHere.push(name)
      else skipped.push(name)
    }
    if (failedHere.length === 0 && module.state() === 'failed') failedHere.push(module.relativeModuleId)
    failures.push(...failedHere)
  }
  if (passed + failures.length + skipped.length === 0) failures.push('no test was run')
  return { passed, failed: failures.length + skipped.length, failures, skipped }
}
