import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** Full names; they count among the failed. */
  readonly skipped: readonly string[]
}

/**
 * Counts a run and writes `<passed> <failed>` to the file HOLDFAST_TEST_SUMMARY names. A skipped test is a failure, and so is
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
      const { passed, failed, skipped } = tally(modules, unhandledErrors.length)
      if (skipped.length > 0 && !chosen) {
        process.exitCode = 1
        for (const name of skipped) vitest?.logger.error(`skipped, which counts as failed: ${name}`)
      }
      const file = process.env.HOLDFAST_TEST_SUMMARY
      if (file !== undefined) writeFileSync(file, `${passed} ${chosen ? failed - skipped.length : failed}\n`)
    },
  }
}

/** Adds up a run: failed are tests, modules that did not load, errors nobody caught, and what was skipped. */
export function tally(modules: readonly TestModule[], unhandledErrors: number): Tally {
  let passed = 0
  let failed = unhandledErrors
  const skipped: string[] = []
  for (const module of modules) {
    let failedHere = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') passed += 1
      else if (state === 'failed') failedHere += 1
      else skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
    }
    failed += failedHere > 0 ? failedHere : Number(module.state() === 'failed')
  }
  const nothing = Number(passed + failed + skipped.length === 0)
  return { passed, failed: failed + skipped.length + nothing, skipped }
}
