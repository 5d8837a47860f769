import { stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeStateDirectory } from './state-directory.js'

const touchEveryMs = 10_000

/** The file whose age tells jobs whether any worker on this host is still there. */
export function presenceFile(stateDirectory: string): string {
  return join(stateDirectory, 'worker.alive')
}

/** Touches the presence file until stopped. */
export async function showPresence(stateDirectory: string): Promise<{ stop(): void }> {
  const path = presenceFile(stateDirectory)
  await makeStateDirectory(stateDirectory)
  await touch(path)
  const timer = setInterval(() => void touch(path).catch(() => undefined), touchEveryMs)
  return { stop: () => clearInterval(timer) }
}

/** Calls `onAbsent` once when no worker has shown itself for longer than `patienceMs`. */
export function watchPresence(stateDirectory: string, patienceMs: number, onAbsent: () => void): { stop(): void } {
  const startedAt = Date.now()
  let absences = 0
  const timer = setInterval(
    async () => {
      const seenAt = await stat(presenceFile(stateDirectory)).then(
        (info) => info.mtimeMs,
        () => startedAt,
      )
      absences = Date.now() - Math.max(seenAt, startedAt) <= patienceMs ? 0 : absences + 1
      // After a machine was suspended our look may come before the worker's next sign: one look decides nothing.
      if (absences < 2) return
      clearInterval(timer)
      onAbsent()
    },
    Math.min(touchEveryMs, patienceMs / 2),
  )
  return { stop: () => clearInterval(timer) }
}

/** Also makes it again when somebody removed it: without it every job would take its host for deserted. */
async function touch(path: string): Promise<void> {
  await writeFile(path, '', { flag: 'a', mode: 0o600 })
  const now = new Date()
  await utimes(path, now, now)
}
