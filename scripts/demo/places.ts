import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

/** Everything of a demo lies below one directory, which is how a later one finds what an earlier one left. */
export interface Places {
  readonly directory: string
  readonly configFile: string
  readonly keyDirectory: string
  readonly stateDirectory: string
  readonly localRepository: string
  readonly instances: string
  readonly bucketDirectory: string
  readonly accessLog: string
  readonly workerLog: string
}

/** Unix sockets of jobs and servers lie below it, and a socket's path holds 107 bytes. */
const longestPath = 50

/** `.run/demo` of the checkout; a directory in /tmp where the path is too long or closed to the user that servers run as. */
export async function findPlaces(checkout = process.cwd()): Promise<Places> {
  const wanted = resolve(checkout, '.run/demo')
  const suits = wanted.length <= longestPath && (await isOpenToAll(checkout))
  const name = createHash('sha256').update(checkout).digest('hex').slice(0, 8)
  return placesBelow(suits ? wanted : `/tmp/holdfast-demo-${name}`)
}

export function placesBelow(directory: string): Places {
  return {
    directory,
    configFile: join(directory, 'holdfast.yaml'),
    keyDirectory: join(directory, 'keys'),
    stateDirectory: join(directory, 'state'),
    localRepository: join(directory, 'local'),
    instances: join(directory, 'instances'),
    bucketDirectory: join(directory, 's3'),
    accessLog: join(directory, 's3-access.log'),
    workerLog: join(directory, 'worker.log'),
  }
}

/** May any user pass through this directory and all above it? */
async function isOpenToAll(directory: string): Promise<boolean> {
  const { mode } = await stat(directory)
  if ((mode & 0o001) === 0) return false
  return directory === '/' || isOpenToAll(dirname(directory))
}
