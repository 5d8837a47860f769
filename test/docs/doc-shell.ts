import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Block } from './markdown.js'

/** What stands in the pages, and what the test has in its place. */
export type Replacements = readonly (readonly [page: string, here: string])[]

export interface DocShell {
  /** Runs a block as an operator does: pasted into a shell. @returns what it printed. @throws naming the page and the line when a command fails */
  run(block: Block): Promise<string>
  /** Ends what blocks started in the background. */
  stop(): Promise<void>
}

interface DocShellOptions {
  readonly directory: string
  readonly replacements: Replacements
  readonly env: Readonly<Record<string, string>>
}

/** What a block in the background prints when others may go on. */
const readyWords: Readonly<Record<string, RegExp>> = { worker: /worker is ready/, dev: /worker is ready/ }

/**
 * Runs blocks of the pages in their order. Marks: `in=checkout` runs in the project, all others in `directory`; `background=<what>`
 * goes on when it is ready; `expect=nothing` must print nothing.
 */
export function createDocShell({ directory, replacements, env }: DocShellOptions): DocShell {
  const stops: (() => Promise<void>)[] = []
  const start = (block: Block) => {
    const script = replacements.reduce((text, [page, here]) => text.replaceAll(page, here), block.text)
    const cwd = block.marks.in === 'checkout' ? resolve('.') : directory
    return { args: ['-euo', 'pipefail', '-c', script], options: { cwd, env, extendEnv: false, stdin: 'ignore' } as const }
  }

  async function runToEnd(block: Block): Promise<string> {
    const { args, options } = start(block)
    const { failed, all } = await execa('bash', args, { ...options, reject: false, all: true, timeout: 120_000 })
    const unexpected = failed || (block.marks.expect === 'nothing' && all !== '')
    if (unexpected) throw new Error(`${block.page}:${block.line} failed:\n${block.text}\n${all}`)
    return all
  }

  async function runInBackground(block: Block, ready: RegExp): Promise<string> {
    const { args, options } = start(block)
    const log = join(directory, `background-${stops.length}.log`)
    const output = { file: log, append: true }
    // A group of its own: what it starts ends with it, as with Ctrl-C in a terminal.
    const child = execa('bash', args, {
      ...options,
      detached: true,
      reject: false,
      stdout: output,
      stderr: output,
      buffer: false,
    })
    let over = false
    const exit = child.then(() => {
      over = true
    })
    stops.push(async () => {
      if (!over && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await exit
    })
    const giveUpAt = Date.now() + 60_000
    for (;;) {
      const text = await readFile(log, 'utf8').catch(() => '')
      if (ready.test(text)) return text
      if (over || Date.now() > giveUpAt) throw new Error(`${block.page}:${block.line} did not become ready:\n${text}`)
      await sleep(50)
    }
  }

  return {
    async run(block) {
      const { background } = block.marks
      if (background === undefined) return runToEnd(block)
      const ready = readyWords[background]
      if (ready === undefined) throw new Error(`${block.page}:${block.line}: nobody knows when "${background}" is ready`)
      return runInBackground(block, ready)
    },
    async stop() {
      for (const stop of stops.splice(0).reverse()) await stop()
    },
  }
}
