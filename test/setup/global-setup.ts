import type { TestProject } from 'vitest/node'
import { startTemporal } from '../servers/temporal.js'
import { endLeftBehind } from './left-behind.js'
import { needTemporal } from './need-temporal.js'
import { beginRun } from './test-run.js'

/** Around the whole run: a mark on all it starts, one Temporal server for the tests that need one, nothing left at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = await beginRun()
  const server = needTemporal(await filesOf(project)) ? await startTemporal({ directory: run.directory }) : undefined
  project.provide('temporalAddress', server?.address ?? '')
  return async () => {
    await server?.stop()
    const left = await endLeftBehind(run)
    await run.end()
    if (left.length > 0) throw new Error(`processes left behind by the tests (now ended):\n${left.join('\n')}`)
  }
}

/** The test files of this run. The filters of the command line are not part of the published types; without them: all files. */
async function filesOf(project: TestProject): Promise<string[]> {
  const filters: unknown = Reflect.get(project.vitest, 'filenamePattern')
  const { testFiles } = await project.globTestFiles(Array.isArray(filters) ? filters.map(String) : [])
  return testFiles
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the run's Temporal server, `host:port`. Empty in a run of rooms that do not speak to Temporal. */
    readonly temporalAddress: string
  }
}
