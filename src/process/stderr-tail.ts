import { StringDecoder } from 'node:string_decoder'
import { redactText } from '../domain/redact-text.js'

export interface StderrTail {
  push(chunk: Uint8Array): void
  /** At most 4 KiB and 20 lines of the end, masked. */
  text(): string
}

const keptCharacters = 32 * 1024
const shownCharacters = 4 * 1024
const shownLines = 20

/** Keeps the end of what a program says of itself: 64 KiB at most, however much it writes. `onLine` gets each line, masked. */
export function createStderrTail(secrets: readonly string[], onLine?: (line: string) => void): StderrTail {
  const decoder = new StringDecoder('utf8')
  let kept = ''
  let line = ''

  function passLines(text: string): void {
    if (onLine === undefined) return
    // Programs that draw progress end lines with a carriage return.
    const lines = (line + text).split(/[\r\n]+/)
    line = (lines.pop() ?? '').slice(-keptCharacters)
    for (const complete of lines) if (complete !== '') onLine(redactText(complete, secrets))
  }

  return {
    push(chunk) {
      const text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      kept = (kept + text).slice(-keptCharacters)
      passLines(text)
    },
    // Masked before it is cut, so that no half of a secret stands at the edge.
    text: () => lastLines(redactText(kept, secrets)),
  }
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-shownLines).join('\n').slice(-shownCharacters)
}
