import { resolve } from 'node:path'
import { execa } from 'execa'

/** A `holdfast` in a terminal of its own. */
export interface TerminalProcess {
  /** Waits until the text stands on the screen, behind what was waited for before. @throws if the process ends before */
  says(text: string): Promise<void>
  /** Types a line. */
  type(line: string): void
  /** Ctrl-C, Ctrl-D. */
  press(key: 'c' | 'd'): void
  /** Everything that was on the screen. Never rejects. */
  readonly ended: Promise<{ readonly exitCode: number; readonly screen: string }>
}

/** Starts the built `holdfast` below `script` of util-linux, which gives it a terminal; the caller awaits `ended`. */
export function startInTerminal(args: readonly string[], env: Readonly<Record<string, string>>): TerminalProcess {
  const command = [process.execPath, resolve('dist/bundle/holdfast.cjs'), ...args].map((word) => `'${word}'`).join(' ')
  const child = execa('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    env,
    extendEnv: false,
    reject: false,
    stdin: 'pipe',
    timeout: 60_000,
  })
  let screen = ''
  let readUpTo = 0
  let changed = Promise.withResolvers<void>()
  child.stdout.on('data', (chunk: Uint8Array) => {
    screen += Buffer.from(chunk).toString('utf8')
    changed.resolve()
    changed = Promise.withResolvers<void>()
  })
  let over = false
  const ended = child.then(({ exitCode }) => {
    over = true
    return { exitCode: exitCode ?? -1, screen }
  })
  return {
    async says(text) {
      for (;;) {
        const found = screen.indexOf(text, readUpTo)
        if (found >= 0) {
          readUpTo = found + text.length
          return
        }
        if (over) throw new Error(`it ended without saying "${text}":\n${screen}`)
        await Promise.race([changed.promise, ended])
      }
    },
    type: (line) => void child.stdin.write(`${line}\r`),
    press: (key) => void child.stdin.write(key === 'c' ? '\x03' : '\x04'),
    ended,
  }
}
