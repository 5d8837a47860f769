import type { Command } from 'commander'
import { addVerb, configPathOf } from './verb.js'

export function addWorkerCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const description = 'run the workers of this host until SIGINT or SIGTERM; running jobs are left to the next worker'
  addVerb(program, 'worker', description, examples).action(async (_options: object, command: Command) => {
    const configPath = configPathOf(command)
    const { startWorker } = await import('../workers/worker.js')
    await startWorker({ env, ...(configPath === undefined ? {} : { configPath }) })
  })
}

const examples = `  holdfast worker                                  log on standard error, one JSON document a line
  HOLDFAST_LOG_LEVEL=debug holdfast worker
`
