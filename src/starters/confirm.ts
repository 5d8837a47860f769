import { createInterface } from 'node:readline/promises'
import { HoldfastError } from '../domain/errors.js'

/** Asks for a name to be typed again before something is lost. @throws USAGE without a terminal, STOPPED for another answer */
export async function confirmByName(name: string, consequence: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new HoldfastError('USAGE', `${name} is not removed without being asked, and there is no terminal to ask on`, {
      hint: 'say --yes',
    })
  }
  // Standard output belongs to the answer of the verb.
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const gone = new AbortController()
  terminal.once('close', () => gone.abort())
  try {
    // Ctrl-C and Ctrl-D close it without an answer, which is an answer too.
    const question = terminal.question(`${consequence}. Type ${name} to go on: `, { signal: gone.signal })
    const reply = await question.catch(() => '')
    if (reply.trim() === name) return
  } finally {
    terminal.close()
  }
  throw new HoldfastError('STOPPED', `${name} was left as it is`, { hint: 'type the name to confirm, or say --yes' })
}
