import { formatDuration } from '../../src/domain/quantity.js'

/** What the person at the terminal reads. */
export interface Story {
  /** A numbered chapter. */
  chapter(title: string): void
  say(text: string): void
  /** Something that was looked at and found to be so. */
  proof(text: string): void
  /** Something found to be otherwise: the demo goes on and ends with a failure. */
  objection(text: string): void
  command(text: string): void
  /** What a program printed. */
  output(line: string): void
  readonly objections: readonly string[]
  elapsed(): string
}

interface Sink {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/** Colours on a terminal alone, and not where NO_COLOR is set. */
export function createStory(sink: Sink, env: NodeJS.ProcessEnv): Story {
  const startedAt = performance.now()
  const objections: string[] = []
  const coloured = sink.isTTY === true && env.NO_COLOR === undefined
  const paint = (code: number, text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const line = (text: string) => sink.write(`${text}\n`)
  const elapsed = () => formatDuration(performance.now() - startedAt)
  let chapters = 0
  return {
    chapter(title) {
      chapters += 1
      line(`\n${paint(1, `${chapters}. ${title}`)}  ${paint(2, `[${elapsed()}]`)}`)
    },
    say: (text) => line(`   ${text}`),
    proof: (text) => line(` ${paint(32, '✔')} ${text}`),
    objection(text) {
      objections.push(text)
      line(` ${paint(31, '✘')} ${text}`)
    },
    command: (text) => line(`   ${paint(36, `$ ${text}`)}`),
    output: (text) => line(`   ${paint(2, `| ${text}`)}`),
    objections,
    elapsed,
  }
}
