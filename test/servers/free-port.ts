import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports Linux gives to outgoing connections (32768 to 60999): one of those may take a port between our look and the start
 * of the server it is for, or while that server is restarted.
 */
const [lowest, highest] = [20_000, 32_700]

/** The first of `count` loopback ports in a row that nobody listens on at this moment. Chosen at random: other tests choose as well. */
export async function freePort(count = 1): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const first = randomInt(lowest, highest - count)
    const row = Array.from({ length: count }, (_, index) => first + index)
    if ((await Promise.all(row.map(isFree))).every(Boolean)) return first
  }
  throw new Error(`no ${count} ports in a row are free between ${lowest} and ${highest}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
