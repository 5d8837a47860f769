import { Connection } from '@temporalio/client'
import { loadConfig } from '../config/load-config.js'
import { temporalConnectionOptions } from '../config/temporal-connection.js'
import { HoldfastError } from '../domain/errors.js'
import { type DevServer, startDevServer } from './dev-server.js'
import { runningJobs } from './running-jobs.js'
import { startWorker } from './worker.js'

export interface DevOptions {
  readonly configPath?: string
  readonly env: NodeJS.ProcessEnv
  /** 1000 above the server's port where left out, as Temporal has it. */
  readonly uiPort?: number
  /** For a person; the worker logs on standard error. */
  readonly say: (line: string) => void
  /** Called when the worker takes work. */
  readonly whenReady?: () => Promise<void>
}

/**
 * The `dev` verb: a Temporal dev server and this host's worker, in one process tree, until SIGINT or SIGTERM. The worker ends first,
 * then the server. Where Temporal answers already it is used as it is and left running.
 * @throws CONTROL_PLANE, TOOL_MISSING, and what the worker throws
 */
export async function runDev(options: DevOptions): Promise<void> {
  const { configPath, env, say } = options
  const { config } = await loadConfig({ env, ...(configPath === undefined ? {} : { path: configPath }) })
  const { connectionOptions, namespace } = await temporalConnectionOptions(config, env)
  const { address } = connectionOptions
  const server = (await answers(connectionOptions))
    ? undefined
    : await startFor(options, address, namespace, config.stateDirectory)
  say(server === undefined ? `Temporal runs already at ${address}; only the worker is started` : introduce(server, address))
  let lost: HoldfastError | undefined
  void server?.lost.then(() => {
    lost = new HoldfastError('CONTROL_PLANE', `the Temporal dev server has ended; see ${server.logFile}`)
    // The worker's own way out: it takes no new work and leaves its jobs to the next one.
    process.kill(process.pid, 'SIGTERM')
  })
  try {
    const { whenReady = async () => undefined } = options
    const onReady = () => {
      say(examples(Object.keys(config.systems)[0] ?? 'avi5', server === undefined ? 'the worker' : 'the worker and Temporal'))
      void whenReady().catch((error: unknown) => say(error instanceof Error ? error.message : String(error)))
    }
    await startWorker({ env, onReady, ...(configPath === undefined ? {} : { configPath }) })
  } finally {
    await server?.stop()
  }
  const jobs = await runningJobs(config.stateDirectory)
  if (jobs.length > 0) {
    say(`still running: ${jobs.join(', ')}. The next \`holdfast dev\` or \`holdfast worker\` goes on with them;`)
    say(`without one they end after ${Math.round(config.timeouts.jobPatienceMs / 60_000)} minutes (timeouts.jobPatience)`)
  }
  if (lost !== undefined) throw lost
}

async function answers(connectionOptions: { readonly address: string }): Promise<boolean> {
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '2 seconds' })
    await connection.close()
    return true
  } catch {
    return false
  }
}

async function startFor(options: DevOptions, address: string, namespace: string, stateDirectory: string): Promise<DevServer> {
  const { env, say } = options
  const match = /^(localhost|127\.\d+\.\d+\.\d+):(\d+)$/.exec(address)
  if (match === null) {
    throw new HoldfastError(
      'CONTROL_PLANE',
      `Temporal at ${address} does not answer, and a dev server is for this machine alone`,
      {
        hint: 'set temporal.address to 127.0.0.1:7233, or start that server',
      },
    )
  }
  const port = Number(match[2])
  say(`starting Temporal on 127.0.0.1:${port}`)
  const host = match[1] === 'localhost' ? '127.0.0.1' : (match[1] ?? '')
  return startDevServer({ host, port, uiPort: options.uiPort ?? port + 1000, namespace, stateDirectory, env })
}

function introduce({ uiUrl, database }: DevServer, address: string): string {
  return `Temporal runs at ${address}, its database is ${database}\nWatch workflows at ${uiUrl}`
}

function examples(system: string, ours: string): string {
  const verbs = ['doctor', `backup ${system}`, `restore ${system} --name ${system}-check`]
  const tried = verbs.map((verb) => `  holdfast ${verb}`).join('\n')
  return `In another terminal try:\n${tried}\nCtrl-C ends ${ours}; jobs and restored servers go on.`
}
