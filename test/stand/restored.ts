import { join } from 'node:path'
import pg from 'pg'
import { parseInstanceName } from '../../src/domain/ids.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import { createLocalProvisioner } from '../../src/provisioners/local-provisioner.js'
import type { Provisioner } from '../../src/provisioners/provisioner.js'
import type { Stand } from './stand.js'

const contents = 'select count(*)::int as rows, md5(string_agg(content, chr(10) order by id)) as digest from sample'

export interface Contents {
  readonly rows: number
  readonly digest: string
}

/** What the table `sample` of the source holds. */
export async function contentsOfSource(stand: Stand): Promise<Contents | undefined> {
  return (await stand.postgres.sql<{ rows: number; digest: string }>(contents))[0]
}

/** The same of a restored server: it has the source's roles and passwords. */
export async function contentsOfInstance(stand: Stand, { connection }: RestoreReport): Promise<Contents | undefined> {
  const { host, port } = connection
  const { user, password } = stand.postgres
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    return (await client.query<{ rows: number; digest: string }>(contents)).rows[0]
  } finally {
    await client.end()
  }
}

/** The instances of a stand, as the product sees them. */
export function instancesOf(stand: Stand): Provisioner {
  return createLocalProvisioner({
    directory: join(stand.directory, 'instances'),
    user: 'postgres',
    ports: { from: 1024, to: 65_535 },
    host: 'test',
    now: () => new Date(),
  })
}

/** Starts a restored server that was killed; one that runs is left alone. */
export async function startAgain(stand: Stand, name: string): Promise<void> {
  const instances = instancesOf(stand)
  const instance = await instances.find(parseInstanceName(name))
  if (instance !== undefined) await instances.start(instance, new AbortController().signal)
}

/** Stops and removes what a test restored. */
export async function dropInstance(stand: Stand, name: string): Promise<void> {
  await instancesOf(stand).dispose(parseInstanceName(name), new AbortController().signal)
}
