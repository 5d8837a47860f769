import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { HoldfastError } from '../../domain/errors.js'

/** Somebody who can be asked. Both throw STOPPED once they have left with Ctrl-C or Ctrl-D. */
export interface Terminal {
  /** @returns the line without blanks around it */
  ask(prompt: string): Promise<string>
  /** The same for what nobody may read over a shoulder: nothing is shown of it. */
  askHidden(prompt: string): Promise<string>
  close(): void
}

/** @returns undefined where there is nobody to ask */
export function openTerminal(): Terminal | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  let shows: 'everything' | 'nothing' = 'everything'
  // Standard output belongs to the answer of the verb.
  const screen = new Writable({
    write(chunk, _encoding, done) {
      if (shows === 'nothing') done()
      else process.stderr.write(chunk, done)
    },
  })
  // Without a history: the arrow keys would bring back what was hidden.
  const reader = createInterface({ input: process.stdin, output: screen, terminal: true, historySize: 0 })
  // The iterator keeps lines that come before they are asked for, pasted ones for instance.
  const lines = reader[Symbol.asyncIterator]()
  let interrupted = false
  reader.once('SIGINT', () => {
    interrupted = true
    reader.close()
  })
  const next = async () => {
    const line = await lines.next()
    // Ctrl-D ends what is typed, Ctrl-C takes it back.
    if (line.done !== true && !interrupted) return line.value.trim()
    process.stderr.write('\n')
    throw new HoldfastError('STOPPED', 'nothing was written', { hint: 'start `holdfast init` again when you are ready' })
  }
  return {
    ask(prompt) {
      reader.setPrompt(prompt)
      reader.prompt()
      return next()
    },
    async askHidden(prompt) {
      process.stderr.write(prompt)
      reader.setPrompt('')
      shows = 'nothing'
      try {
        return await next()
      } finally {
        shows = 'everything'
        process.stderr.write('\n')
      }
    },
    close: () => reader.close(),
  }
}
