/** What a grammar wants next: the bytes themselves (small), or to have them passed over. */
export type Step = { readonly take: number } | { readonly skip: number }

/** The shape of one message, as straight-line code: it yields steps, and is resumed with the bytes it took. */
export type Grammar = () => Generator<Step, void, Buffer>

/** Finds where messages end in a stream of chunks cut anywhere. Holds only what is being taken. */
export interface Scanner {
  /** @returns the offset after the end of the message in `chunk`, or undefined if the message goes on in the next one. */
  scan(chunk: Buffer, from: number): number | undefined
  /** Some bytes of a message were seen, but not its end. */
  isWithinMessage(): boolean
}

/** A scanner that begins a new message wherever one ended. Errors of the grammar come out of `scan`. */
export function createScanner(grammar: Grammar): Scanner {
  let run: ReturnType<Grammar> | undefined
  let step: Step = { skip: 0 }
  let taken = Buffer.alloc(0)
  let left = 0

  function advance(current: ReturnType<Grammar>): boolean {
    const result = current.next(taken)
    taken = Buffer.alloc(0)
    if (result.done === true) {
      run = undefined
      return true
    }
    step = result.value
    left = 'take' in step ? step.take : step.skip
    return false
  }

  return {
    scan(chunk, from) {
      let offset = from
      while (offset < chunk.length || (run !== undefined && left === 0)) {
        if (run === undefined) {
          run = grammar()
          advance(run)
        }
        const bytes = Math.min(left, chunk.length - offset)
        if ('take' in step) taken = Buffer.concat([taken, chunk.subarray(offset, offset + bytes)])
        offset += bytes
        left -= bytes
        if (left === 0 && advance(run)) return offset
      }
      return undefined
    },
    isWithinMessage: () => run !== undefined,
  }
}
