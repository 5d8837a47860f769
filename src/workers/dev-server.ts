import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Connection } from '@temporalio/client'
import { HoldfastError } from '../domain/errors.js'
import { searchAttributes } from '../domain/search-attributes.js'
import { makeStateDirectory } from '../jobs/state-directory.js'
import { findProgram, searchPath } from '../process/find-program.js'
import { startProgram } from '../process/start-program.js'

export interface DevServerOptions {
  readonly host: string
  readonly port: number
  readonly uiPort: number
  readonly namespace: string
  /** Holds the database, so that a restart brings everything back. */
  readonly stateDirectory: string
  readonly env: NodeJS.ProcessEnv
}

/** A Temporal development server that ends with this process. */
export interface DevServer {
  readonly uiUrl: string
  readonly database: string
  readonly logFile: string
  /** Resolves when the server has ended without being asked to. */
  readonly lost: Promise<void>
  stop(): Promise<void>
}

/** Starts `temporal server start-dev` and waits until it takes requests. @throws TOOL_MISSING, CONTROL_PLANE */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  await makeStateDirectory(options.stateDirectory)
  const directory = join(options.stateDirectory, 'temporal')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const database = join(directory, 'temporal.db')
  const logFile = join(directory, 'temporal.log')
  const log = await open(logFile, 'a', 0o600)
  const stopping = new AbortController()
  const server = startProgram(
    { program: findTemporal(options.env), args: argumentsFor(options, database) },
    {
      signal: stopping.signal,
      stdin: 'ignore',
      stdout: 'ignore',
      onStderrLine: (line) => void log.appendFile(`${line}\n`).catch(() => undefined),
    },
  )
  const ended = server.finished.catch(() => undefined).finally(() => log.close())
  const stop = async () => {
    stopping.abort()
    await ended
  }
  try {
    await untilReady(options, ended, () => server.stderrTail())
  } catch (error) {
    await stop()
    throw error
  }
  const lost = ended.then(() => (stopping.signal.aborted ? new Promise<never>(() => undefined) : undefined))
  return { uiUrl: `http://${options.host}:${options.uiPort}`, database, logFile, lost, stop }
}

const hintOnMissing =
  'install the Temporal CLI (https://docs.temporal.io/cli; in a checkout `make setup` builds it) or name it in TEMPORAL_CLI_PATH'

function findTemporal(env: NodeJS.ProcessEnv): string {
  const named = env.TEMPORAL_CLI_PATH
  if (named !== undefined && named !== '') return named
  const checkout = fileURLToPath(new URL('../../.tools/bin', import.meta.url))
  const found = findProgram('temporal', [...searchPath(env.PATH), checkout])
  if (found !== undefined) return found
  throw new HoldfastError('TOOL_MISSING', 'there is no program `temporal` on the PATH', { hint: hintOnMissing })
}

function argumentsFor({ host, port, uiPort, namespace }: DevServerOptions, database: string): string[] {
  return [
    ...['server', 'start-dev', '--ip', host, '--port', String(port), '--ui-port', String(uiPort), '--log-level', 'warn'],
    ...['--db-filename', database, '--namespace', namespace],
    // The user's own Temporal profile is for other servers.
    ...['--disable-config-file', '--disable-config-env'],
    ...Object.values(searchAttributes).flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]),
  ]
}

const readyTimeoutMs = 30_000

/** The frontend answers before namespace and search attributes are there; a worker started in between would fail. */
async function untilReady(options: DevServerOptions, ended: Promise<void>, said: () => string): Promise<void> {
  const address = `${options.host}:${options.port}`
  const connection = Connection.lazy({ address })
  const giveUpAt = Date.now() + readyTimeoutMs
  let over = false
  void ended.then(() => {
    over = true
  })
  try {
    while (!(await isReady(connection, options.namespace))) {
      if (over || Date.now() > giveUpAt) {
        throw new HoldfastError('CONTROL_PLANE', `the Temporal dev server on ${address} did not start: ${said()}`, {
          hint: 'are the ports free? Another --ui-port, or another `temporal.address`, may help',
        })
      }
      await delay(100)
    }
  } finally {
    await connection.close()
  }
}

async function isReady(connection: Connection, namespace: string): Promise<boolean> {
  try {
    const list = () => connection.operatorService.listSearchAttributes({ namespace })
    const { customAttributes } = await connection.withDeadline(Date.now() + 2000, list)
    return Object.values(searchAttributes).every(({ name }) => name in (customAttributes ?? {}))
  } catch {
    return false
  }
}
