import { join } from 'node:path'
import { toHoldfastError } from '../../domain/errors.js'
import type { CheckResult } from '../../domain/operations.js'
import { runProgram } from '../../process/run-program.js'
import type { CheckRequest } from '../engine.js'
import { ownerOf } from './owned-files.js'

const stage = 'afterStop'
const name = 'page checksums'

/** Every page's own checksum. The server has to be shut down cleanly. */
export async function checkAfterStop({ instance, manifest }: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  if (!manifest.facts.dataChecksums) {
    return [{ name, stage, outcome: 'not-run', message: 'the original has no data checksums' }]
  }
  const args = ['--check', '--pgdata', instance.dataDirectory]
  const runAs = await ownerOf(instance)
  try {
    const program = join(instance.binDirectory, 'pg_checksums')
    const { stdout } = await runProgram({ program, args, cwd: '/', runAs }, { signal })
    const blocks = /Blocks scanned:\s+(\d+)/.exec(stdout)?.[1] ?? 'all'
    return [{ name, stage, outcome: 'passed', message: `${blocks} pages have the checksum they say` }]
  } catch (error) {
    signal.throwIfAborted()
    const { code, message } = toHoldfastError(error)
    // Not stopped, or stopped uncleanly: that says nothing of the pages.
    const outcome = code === 'TOOL_MISSING' || /cluster must be shut down/.test(message) ? 'not-run' : 'failed'
    return [{ name, stage, outcome, message }]
  }
}
