import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/servers/free-port.js'
import { startTemporal, type TemporalServer } from '../../test/servers/temporal.js'
import { createBucket, startVersitygw, type Versitygw } from '../../test/servers/versitygw.js'
import type { Places } from './places.js'

export const bucket = 'backups'

export interface Servers {
  readonly temporal: TemporalServer
  readonly uiAddress: string
  readonly s3: Versitygw
}

/** Temporal with its web UI, and an S3 server that logs every request. They live on without us: who kept the demo uses them. */
export async function startServers(places: Places): Promise<Servers> {
  // Others pass through: servers of PostgreSQL do not run as root.
  await mkdir(places.directory, { recursive: true })
  await chmod(places.directory, 0o755)
  const uiPort = await freePort()
  const [temporal, s3] = await Promise.all([
    startTemporal({ directory: join(places.directory, 'temporal'), uiPort, lifetime: 'free' }),
    startVersitygw({ directory: places.bucketDirectory, accessLog: places.accessLog, lifetime: 'free' }),
  ])
  await createBucket(s3, bucket)
  return { temporal, uiAddress: `http://127.0.0.1:${uiPort}`, s3 }
}
