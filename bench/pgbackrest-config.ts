import { randomBytes } from 'node:crypto'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serverUser } from '../test/servers/postgres.js'
import { bucket, type Stage } from './stage.js'

export const stanza = 'bench'

export interface PgBackRestPlaces {
  readonly configFile: string
  /** Locks, logs and the spool. */
  readonly work: string
  /** Data directory of the restored server. */
  readonly restored: string
}

export function pgBackRestPlaces({ places: { directory } }: Stage): PgBackRestPlaces {
  return {
    configFile: join(directory, 'pgbackrest.conf'),
    work: join(directory, 'pgbackrest'),
    restored: join(directory, 'pgbackrest-restored'),
  }
}

/**
 * What its guide recommends for S3: bundles of small files, encrypted, zstd. Archiving is synchronous: a backup of a quiet server
 * waits for one or two segments, which asynchronous archiving makes no faster.
 */
export async function writePgBackRestConfig({ source, s3 }: Stage, { configFile, work }: PgBackRestPlaces): Promise<void> {
  const settings = {
    'repo1-type': 's3',
    'repo1-path': '/pgbackrest',
    'repo1-s3-bucket': bucket,
    // A name and not an address: version 2.45 finds no addresses in certificates.
    'repo1-s3-endpoint': 'localhost',
    'repo1-storage-port': String(s3.port),
    'repo1-storage-ca-file': s3.caFile ?? '',
    'repo1-s3-region': s3.region,
    'repo1-s3-uri-style': 'path',
    'repo1-s3-key': s3.accessKeyId,
    'repo1-s3-key-secret': s3.secretAccessKey,
    'repo1-cipher-type': 'aes-256-cbc',
    'repo1-cipher-pass': randomBytes(48).toString('base64'),
    'repo1-bundle': 'y',
    'repo1-retention-full': '1',
    'compress-type': 'zst',
    'compress-level': '1',
    'process-max': '2',
    'lock-path': join(work, 'lock'),
    'log-path': work,
    'spool-path': work,
    'log-level-console': 'warn',
  }
  const server = {
    'pg1-path': source.dataDirectory,
    'pg1-port': String(source.port),
    'pg1-socket-path': source.directory,
    'pg1-user': source.user,
  }
  await writeFile(configFile, `[global]\n${lines(settings)}\n[${stanza}]\n${lines(server)}`, { mode: 0o600 })
  const { uid, gid } = await serverUser()
  await chown(configFile, uid, gid)
}

function lines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
