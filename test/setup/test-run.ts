import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePlace, testPlace } from './place.js'

export interface TestRun {
  /** Where all temporary files of the run go; its path also marks the processes of the run. */
  readonly directory: string
  end(): Promise<void>
}

/**
 * Marks everything this process will start: HOLDFAST_TEST_RUN, and a TMPDIR of its own for what gets a cleaned environment.
 * The path is short, since sockets lie below it, and open to the users that servers run as.
 */
export async function beginRun(): Promise<TestRun> {
  const before = process.env.TMPDIR
  await choosePlace()
  const directory = await mkdtemp(join(testPlace(), 'hf-'))
  await chmod(directory, 0o755)
  process.env.TMPDIR = directory
  process.env.HOLDFAST_TEST_RUN = directory
  return {
    directory,
    async end() {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
      await rm(directory, { recursive: true, force: true })
    },
  }
}
