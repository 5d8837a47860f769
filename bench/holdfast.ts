import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startWorker } from '../scripts/demo/holdfast.js'
import { backupWorkflowId, restoreWorkflowId } from '../src/domain/contract-names.js'
import type { RestoreReport } from '../src/domain/operations.js'
import type { Command } from '../src/process/command.js'
import { runProgram } from '../src/process/run-program.js'
import { type Contender, figuresOf } from './contender.js'
import { system, writeHoldfastConfig } from './holdfast-config.js'
import { measure } from './measure.js'
import { readSteps, type Step } from './read-steps.js'
import { expectRestored } from './restored-server.js'
import { bucket, clearBucket, type Stage } from './stage.js'
import { storedBytes } from './stored-bytes.js'

const cli = resolve('dist/bundle/holdfast.cjs')
const instance = 'restored'

/** As an operator uses it: a worker that is there all the time, and the command line. */
export async function holdfast(stage: Stage): Promise<{ readonly contender: Contender; readonly workerPid: number }> {
  const { places, source, temporal, signal } = stage
  await writeHoldfastConfig(stage)
  const workerPid = await startWorker(places)
  const beside = { sourceDataDirectory: source.dataDirectory, workerPid, signal }
  const verb = (...args: string[]): Command => ({ program: process.execPath, args: [cli, '-c', places.configFile, ...args] })
  const contender: Contender = {
    name: 'holdfast',
    async prepare() {
      for (const name of await readdir(places.localRepository)) {
        await rm(join(places.localRepository, name), { recursive: true, force: true })
      }
      await clearBucket(stage)
    },
    async backUp() {
      const measured = await measure(verb('backup', system, '--json'), beside)
      const steps = await readSteps(temporal.address, backupWorkflowId(system, 'full'))
      const firstCommit = steps.find(({ activity }) => activity === 'commitManifest')
      return {
        ...figuresOf(measured),
        storedBytes: await storedBytes(join(places.bucketDirectory, bucket)),
        sourceCpuSeconds: measured.source.cpuSeconds,
        ...(firstCommit && { firstCommitMs: firstCommit.toMs - measured.startedAtMs }),
        stepsMs: stepLengths(steps, measured),
      }
    },
    async restore() {
      const measured = await measure(verb('restore', system, '--name', instance, '--repository', 'primary', '--json'), beside)
      const { connection } = JSON.parse(measured.stdout) as RestoreReport
      const steps = await readSteps(temporal.address, restoreWorkflowId(instance))
      await expectRestored(source, connection.port)
      await runProgram(verb('instances', 'drop', instance, '--yes'), { signal })
      const stepsMs = stepLengths(steps, measured)
      return { ...figuresOf(measured), withoutChecksMs: measured.wallMs - (stepsMs.checkInstance ?? 0), stepsMs }
    },
  }
  return { contender, workerPid }
}

/** Milliseconds of each kind of step; and around them: the command's own start and its end after the last step. */
function stepLengths(
  steps: readonly Step[],
  command: { readonly startedAtMs: number; readonly wallMs: number },
): Record<string, number> {
  const lengths: Record<string, number> = {}
  for (const { activity, fromMs, toMs } of steps) lengths[activity] = (lengths[activity] ?? 0) + toMs - fromMs
  const [first] = steps
  const lastMs = Math.max(...steps.map(({ toMs }) => toMs))
  return {
    ...(first && { 'before the first step': first.fromMs - command.startedAtMs }),
    ...lengths,
    'after the last step': command.startedAtMs + command.wallMs - lastMs,
  }
}
