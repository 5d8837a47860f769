import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { execa } from 'execa'
import { freePort } from './free-port.js'
import { isListening } from './is-listening.js'

export interface TemporalOptions {
  /** Holds the database and the log; the same directory and port bring the same server back. */
  readonly directory: string
  /** Of the frontend. A free one unless given. */
  readonly port?: number
  /** Of the web UI, which runs only when this is given. */
  readonly uiPort?: number
  /** Events of a workflow's history after which it is told to continue as a new run; 4096 where left out. */
  readonly suggestContinueAsNewAfter?: number
  /** `free`: it lives on without this process. `tied`, unless told: it ends with it. */
  readonly lifetime?: 'tied' | 'free'
}

export interface TemporalServer {
  /** `host:port` of the frontend. */
  readonly address: string
  readonly uiAddress?: string
  readonly pid: number
  /** SIGKILL, as a crash is. Resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM. Resolves when the process is gone. */
  stop(): Promise<void>
}

const searchAttributes = ['HoldfastSystem', 'HoldfastOperation', 'HoldfastBackup', 'HoldfastOutcome']
const program = resolve('.tools/bin/temporal')

/** Starts a Temporal development server with our search attributes and waits until it takes requests (up to 30 s). */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  await mkdir(options.directory, { recursive: true })
  const port = options.port ?? (await freePort())
  // Whoever listens there already would be taken for the server that is started here.
  if (await isListening(port)) throw new Error(`port ${port} is taken; no Temporal server was started`)
  const address = `127.0.0.1:${port}`
  const log = { file: join(options.directory, 'temporal.log'), append: true }
  const free = options.lifetime === 'free'
  // A tied server ends with the process that started it, also when that one is killed.
  const [file, ...prefix] = free ? [program] : ['setpriv', '--pdeathsig', 'TERM', '--', program]
  const child = execa(file ?? program, [...prefix, ...argumentsFor(options, port)], {
    reject: false,
    detached: free,
    cleanup: !free,
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    buffer: false,
    forceKillAfterDelay: 5000,
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`could not start ${program}: ${(await child).message}`)
  const ended = new AbortController()
  const exit = child.then(() => ended.abort())
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exit
  }
  try {
    await untilReady(address, ended.signal)
  } catch (error) {
    await end('SIGKILL')
    throw new Error(`the Temporal server on ${address} did not come up; see ${log.file}`, { cause: error })
  }
  return {
    address,
    ...(options.uiPort === undefined ? {} : { uiAddress: `127.0.0.1:${options.uiPort}` }),
    pid,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

function argumentsFor({ directory, uiPort, suggestContinueAsNewAfter }: TemporalOptions, port: number): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    // What an engineer has configured for the CLI must not change what is tested.
    ...['--disable-config-file', '--disable-config-env'],
    ...['--db-filename', join(directory, 'temporal.db')],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(suggestContinueAsNewAfter === undefined
      ? []
      : ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestContinueAsNewAfter}`]),
    ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ]
}

/** The frontend answers before the search attributes are there; a workflow started in between would be refused. */
async function untilReady(address: string, ended: AbortSignal): Promise<void> {
  const deadline = Date.now() + 30_000
  const connection = Connection.lazy({ address })
  try {
    for (;;) {
      ended.throwIfAborted()
      if (await hasSearchAttributes(connection)) return
      if (Date.now() > deadline) throw new Error('no answer within 30 s')
      await sleep(100)
    }
  } finally {
    await connection.close()
  }
}

async function hasSearchAttributes(connection: Connection): Promise<boolean> {
  try {
    const list = () => connection.operatorService.listSearchAttributes({ namespace: 'default' })
    const { customAttributes } = await connection.withDeadline(Date.now() + 2000, list)
    return searchAttributes.every((name) => name in (customAttributes ?? {}))
  } catch {
    return false
  }
}
