import { configDefaults, defineConfig } from 'vitest/config'
import { LongestFirst } from './test/setup/longest-first.js'
import { summaryReporter } from './test/setup/summary-reporter.js'

const long = process.env.HOLDFAST_TEST_LONG === '1'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(long ? [] : ['test/long/**'])],
    // Processes, not threads: the SDK's native part and signals want a process of their own.
    pool: 'forks',
    // They wait for servers and timeouts as much as they compute: three leave a tenth of two cores idle, four do not.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: long ? 3_600_000 : 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    allowOnly: false,
    globalSetup: ['test/setup/global-setup.ts'],
    reporters: ['default', summaryReporter()],
  },
})
