import { resolve } from 'node:path'
import { execa } from 'execa'
import { compileCache } from '../stand/compile-cache.js'

/** A `holdfast` that is watched while it runs. */
export interface CliProcess {
  /** Resolves once standard error holds the text. @throws if the process ends before */
  says(text: string): Promise<void>
  /** Ctrl-C. */
  interrupt(): void
  /** Never rejects. */
  readonly ended: Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
}

/** Starts the built `holdfast`; the caller awaits `ended`. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>>): CliProcess {
  const child = execa(process.execPath, [resolve('dist/bundle/holdfast.cjs'), ...args], {
    env: { ...compileCache, ...env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: 120_000,
  })
  let stderr = ''
  const waiting = new Map<string, () => void>()
  child.stderr.on('data', (chunk: Uint8Array) => {
    stderr += Buffer.from(chunk).toString('utf8')
    for (const [text, found] of waiting) if (stderr.includes(text)) found()
  })
  const ended = child.then(({ exitCode, stdout, stderr: all }) => ({ exitCode: exitCode ?? -1, stdout, stderr: all }))
  return {
    async says(text) {
      if (stderr.includes(text)) return
      const { promise, resolve: found } = Promise.withResolvers<void>()
      waiting.set(text, found)
      const over = ended.then((end) =>
        Promise.reject(new Error(`it ended without saying "${text}":\n${end.stdout}${end.stderr}`)),
      )
      over.catch(() => undefined)
      await Promise.race([promise, over])
      waiting.delete(text)
    },
    interrupt: () => void child.kill('SIGINT'),
    ended,
  }
}
