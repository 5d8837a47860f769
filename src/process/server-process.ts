import { readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Whose process does `postmaster.pid` name? Process ids are used again, after a reboot at the latest: it is the server's own only if it works
 * in the data directory, which is where PostgreSQL's main process always is.
 * @returns `gone` also where there is no such file; `hidden`: something has the id, and nobody tells us where it works
 */
export async function serverProcess(dataDirectory: string): Promise<'own' | 'foreign' | 'hidden' | 'gone'> {
  const text = await readFile(pidFile(dataDirectory), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0) || !canSignal(pid)) return 'gone'
  if (process.platform !== 'linux') return 'own'
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataDirectory)) ? 'own' : 'foreign'
  } catch (error) {
    // It has ended, and nobody has taken notice yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'gone'
    return 'hidden'
  }
}

export async function isServerRunning(dataDirectory: string): Promise<boolean> {
  return (await serverProcess(dataDirectory)) === 'own'
}

export function pidFile(dataDirectory: string): string {
  return join(dataDirectory, 'postmaster.pid')
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
