import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { compileCache } from './compile-cache.js'

export interface WorkerProcess {
  readonly pid: number
  /** SIGKILL; resolves when it is gone. Its jobs live on. */
  kill(): Promise<void>
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>
}

const cli = resolve('dist/bundle/holdfast.cjs')

/** Starts `holdfast worker` and waits until it is ready. */
export async function startWorkerProcess(env: Readonly<Record<string, string>>, logFile: string): Promise<WorkerProcess> {
  const before = await readText(logFile)
  const log = { file: logFile, append: true }
  const child = execa(process.execPath, [cli, 'worker'], {
    env: { ...compileCache, ...env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    buffer: false,
  })
  let over = false
  const exit = child.then(() => {
    over = true
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exit
  }
  const giveUpAt = Date.now() + 120_000
  while (!(await readText(logFile)).slice(before.length).includes('worker is ready')) {
    if (over || Date.now() > giveUpAt) {
      await end('SIGKILL')
      throw new Error(`the worker did not start:\n${(await readText(logFile)).slice(before.length)}`)
    }
    await sleep(50)
  }
  return { pid: child.pid ?? -1, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
