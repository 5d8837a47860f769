import { Duplex, finished, pipeline } from 'node:stream'

interface ChainOptions {
  readonly first: Duplex
  /** May be `first` itself: a stage to be kept at arm's length. */
  readonly last: Duplex
  /** Turns the failure of a stage into the failure of the whole. */
  explain(error: Error): Error
  /** `drain`: for stages that break when they are destroyed; they are left to finish what they hold, to nowhere. */
  readonly whenDestroyed: 'destroy' | 'drain'
}

/**
 * Several stages as one: bytes written go into the first, bytes read come out of the last. Holds what the stages hold. Its end
 * is only seen after every stage has ended well.
 */
export function chainStages({ first, last, explain, whenDestroyed }: ChainOptions): Duplex {
  const chain = new Duplex({
    readableHighWaterMark: 0,
    writableHighWaterMark: 0,
    write(chunk, encoding, callback) {
      // A failure of the stage reaches us below, with its true cause.
      first.write(chunk, encoding, (error) => {
        if (!error) callback()
      })
    },
    final(callback) {
      first.end()
      callback()
    },
    read() {
      last.resume()
    },
    destroy(error, callback) {
      if (whenDestroyed === 'destroy') {
        first.destroy(error ?? undefined)
        last.destroy(error ?? undefined)
      } else {
        last.resume()
        first.end()
      }
      callback(error)
    },
  })
  const fail = (error: Error): void => {
    chain.destroy(explain(error))
  }
  last.on('data', (chunk) => {
    if (!chain.push(chunk) && !chain.destroyed) last.pause()
  })
  last.pause()
  // Streams of the SDK emit their failure once more after everyone has let go of them; unheard, that would end our process.
  for (const stage of [first, last]) stage.on('error', () => {})
  // A pipeline is content when its last stage has been written to; what that stage still finds out, only `finished` tells.
  if (first !== last) {
    pipeline(first, last, (error) => {
      if (error) fail(error)
    })
  }
  finished(last, (error) => {
    if (error) fail(error)
    else chain.push(null)
  })
  return chain
}
