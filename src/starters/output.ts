/** Whether a verb answers for a program: one JSON document on standard output, whatever happens. */
export interface OutputOptions {
  readonly json?: true
}

/** The answer of a verb: the document for `--json`, else the text for a person. Everything else goes to standard error. */
export function answer(options: OutputOptions, document: unknown, text: string): void {
  process.stdout.write(options.json === undefined ? text : `${JSON.stringify(document)}\n`)
}

/** For a person, beside the answer. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** A reader that has had enough (`holdfast ls | head`) is no failure; the verb goes on and ends with its own status. */
export function outliveReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

/** Resolves when all that was said has left this process, or nobody listens any more. */
export function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
