import type { Socket } from 'node:net'
import type { Progress } from '../domain/progress.js'

/** From the job, one JSON document a line. `hello` comes first, then every announcement so far. */
export type JobMessage =
  | { readonly type: 'hello'; readonly pid: number }
  | { readonly type: 'announcement'; readonly text: string }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** Alive, with nothing to count yet. */
  | { readonly type: 'pulse' }

/** To the job. */
export type JobCommand = { readonly type: 'stop' }

export function send(socket: Socket, message: JobMessage | JobCommand): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

/** Longer than any message of ours: who sends more without an end of line is not one of us. */
const lineLimit = 1024 * 1024

/**
 * Messages until the other side closes, dies, or says something that is none. Never throws: a process that is killed leaves half a
 * line, and what that means is for the result and the lock to tell. The socket is 0600, so a document's shape is trusted.
 */
export async function* messagesFrom<Message extends JobMessage | JobCommand>(socket: Socket): AsyncGenerator<Message> {
  for await (const line of linesFrom(socket)) {
    const message = parse<Message>(line)
    if (message === undefined) return
    yield message
  }
}

async function* linesFrom(socket: Socket): AsyncGenerator<string> {
  socket.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of socket) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > lineLimit) return
      yield* lines
    }
  } catch {
    // The connection broke, or we hung up: the end, as when it is closed.
  }
}

function parse<Message extends JobMessage | JobCommand>(line: string): Message | undefined {
  try {
    const document: unknown = JSON.parse(line)
    return typeof document === 'object' && document !== null && 'type' in document ? (document as Message) : undefined
  } catch {
    return undefined
  }
}
