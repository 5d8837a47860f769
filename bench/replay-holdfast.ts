import { restoreWorkflowId } from '../src/domain/contract-names.js'
import type { RestoreReport } from '../src/domain/operations.js'
import { runProgram } from '../src/process/run-program.js'
import { system } from './holdfast-config.js'
import { readSteps } from './read-steps.js'
import type { Replayer } from './replay.js'
import type { ReplayStage } from './replay-stage.js'
import { expectRestored } from './restored-server.js'

const instance = 'replayed'

/** `restore --to latest`: from the nearest repository, which is the local one, or from the bucket alone. */
export function replayWithHoldfast(stage: ReplayStage, name: 'holdfast' | 'holdfast-bucket'): Replayer {
  const { source, temporal, verb, signal } = stage
  const from = name === 'holdfast' ? [] : ['--repository', 'primary']
  return {
    name,
    async replay() {
      await runProgram({ program: 'sync', args: [] }, { signal })
      const restore = verb('restore', system, '--to', 'latest', '--name', instance, ...from, '--json')
      const { connection } = JSON.parse((await runProgram(restore, { signal })).stdout) as RestoreReport
      const steps = await readSteps(temporal.address, restoreWorkflowId(instance))
      await expectRestored(source, connection.port)
      await runProgram(verb('instances', 'drop', instance, '--yes'), { signal })
      const [extract, replay] = ['extractBackup', 'followReplay'].map((wanted) =>
        steps.find(({ activity }) => activity === wanted),
      )
      if (extract === undefined || replay === undefined) throw new Error('the restore has not replayed anything')
      return replay.toMs - extract.toMs
    },
  }
}
