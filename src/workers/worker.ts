import { setFlagsFromString } from 'node:v8'
import { Runtime } from '@temporalio/worker'
import { compose } from '../composition/compose.js'
import { loadConfig } from '../config/load-config.js'
import { createLogger } from '../observability/logger.js'
import { temporalLogger } from '../observability/temporal-logger.js'
import { parseLogLevel } from './log-level.js'
import { runWorkers } from './run-workers.js'

/** The `worker` verb, in a process of its own. */
export async function startWorker(options: {
  readonly configPath?: string
  readonly env: NodeJS.ProcessEnv
  readonly onReady?: () => void
}): Promise<void> {
  const { configPath, env } = options
  // A worker waits most of the time: a fifth of its memory is garbage nobody would collect otherwise.
  setFlagsFromString('--optimize-for-size')
  const loaded = await loadConfig({ env, ...(configPath === undefined ? {} : { path: configPath }) })
  const logger = createLogger({ name: 'worker', level: parseLogLevel(env.HOLDFAST_LOG_LEVEL) })
  Runtime.install({ logger: temporalLogger(logger) })
  const composition = await compose(loaded, env)
  const { host } = loaded.config
  await runWorkers(composition, env, () => {
    logger.info({ host, config: loaded.path }, 'worker is ready')
    options.onReady?.()
  })
  logger.info({ host }, 'worker has ended; jobs that run go on until the next worker, or until their patience ends')
}
