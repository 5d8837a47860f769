import { HoldfastError } from '../../domain/errors.js'
import { formatDuration } from '../../domain/quantity.js'
import { type Access, type Connection, withConnection } from './connection.js'

/** Times what connecting may take: a server under load answers late, one whose storage hangs never does. */
const answerPatience = 3

/**
 * {@link withConnection} for questions that take a server no time. One that lets us in and is silent then counts as one that is away: who asks
 * several of them, or asks again and again, must not wait for it for ever.
 * @throws HoldfastError SOURCE_UNAVAILABLE, SOURCE_DENIED
 */
export async function askServer<T>(
  access: Access,
  target: Parameters<typeof withConnection>[1],
  signal: AbortSignal,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const withinMs = access.connectTimeoutMs * answerPatience
  const message = `PostgreSQL at ${target.address.label}: it let us in and did not answer within ${formatDuration(withinMs)}`
  const silent = new AbortController()
  const giveUp = () => silent.abort(new HoldfastError('SOURCE_UNAVAILABLE', message))
  let timer: NodeJS.Timeout | undefined
  try {
    return await withConnection(access, target, AbortSignal.any([signal, silent.signal]), (connection) => {
      timer = setTimeout(giveUp, withinMs)
      return use(connection)
    })
  } finally {
    clearTimeout(timer)
  }
}
