import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { processesNaming } from '../stand/process-table.js'
import type { KillStand } from './kill-stand.js'

/** What a killed process's children and connections get to notice it. Files and objects get nothing: nobody is left to remove them. */
const patienceMs = 10_000

/**
 * Everything that is there and should not be, one line each, when no operation runs: in both repositories, in the state directory,
 * among the processes, in PostgreSQL. @param kept keys of the objects of committed backups
 */
export async function leftovers(stand: KillStand, kept: readonly string[]): Promise<string[]> {
  const passing = await untilNone(async () => [...processes(stand), ...(await sessions(stand))])
  const files = leaves(join(stand.directory, 'local'))
  const state = leaves(stand.stateDirectory)
  return [
    ...passing,
    ...files.filter((file) => !kept.includes(file)).map((file) => `local: ${file}`),
    ...(await bucket(stand, kept)),
    ...state.filter((file) => file !== 'worker.alive' && file !== 'jobs/').map((file) => `state: ${file}`),
    ...leaves(join(stand.directory, 'instances'))
      .filter((file) => file !== '.ports/')
      .map((file) => `instances: ${file}`),
    ...stand.proxy.sentTwice().map((part) => `sent twice: ${part}`),
    ...wholesSentTwice(stand),
  ]
}

/** Files and empty directories below a directory, dot-files included, sorted; directories end with `/`. */
export function leaves(directory: string, base = ''): string[] {
  const below = readdirSync(join(directory, base), { withFileTypes: true }).map((entry) => {
    const name = `${base}${entry.name}`
    if (!entry.isDirectory()) return [name]
    const inside = leaves(directory, `${name}/`)
    return inside.length === 0 ? [`${name}/`] : inside
  })
  return below.flat().sort()
}

/** Asked of the server itself, past the proxy and the code under test. */
async function bucket(stand: KillStand, kept: readonly string[]): Promise<string[]> {
  const { endpoint, region, accessKeyId, secretAccessKey } = stand.s3
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
  try {
    const objects = await client.send(new ListObjectsV2Command({ Bucket: 'backups' }))
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: 'backups' }))
    if (objects.IsTruncated || uploads.IsTruncated) throw new Error('the bucket holds more than one page tells')
    const keys = (objects.Contents ?? []).map(({ Key }) => Key ?? '')
    return [
      ...keys.filter((key) => !kept.includes(key)).map((key) => `bucket: ${key}`),
      ...(uploads.Uploads ?? []).map(({ Key, UploadId }) => `upload: ${Key} ${UploadId}`),
    ]
  } finally {
    client.destroy()
  }
}

/** All that names the stand's directory, but for what the stand itself runs. */
function processes(stand: KillStand): string[] {
  const all = processesNaming(stand.directory)
  const own = [stand.worker.pid(), stand.temporal.pid, stand.s3.pid]
  return all
    .filter(({ pid, args }) => !own.includes(pid) && !args.some((text) => text.includes(stand.postgres.directory)))
    .filter(({ args }) => !args[0]?.startsWith('postgres:'))
    .map(({ pid, args }) => `process: ${pid} ${args.join(' ')}`)
}

/** Replication slots, and whatever a backup does in the server. */
async function sessions({ postgres }: KillStand): Promise<string[]> {
  const rows = await postgres.sql<{ line: string }>(`
    select 'slot: ' || slot_name as line from pg_replication_slots
    union all select 'base backup: ' || pid from pg_stat_progress_basebackup
    union all select 'session: ' || backend_type || ' ' || application_name from pg_stat_activity
      where backend_type = 'walsender' or (backend_type = 'client backend' and pid <> pg_backend_pid())`)
  return rows.map(({ line }) => line)
}

/** Artifacts that went in one request although the server had them from an earlier one. */
function wholesSentTwice({ proxy }: KillStand): string[] {
  const sent = proxy.requests.filter(({ operation, key }) => operation === 'Put' && /\/a\d+\/[^/]+$/.test(key))
  return sent
    .filter((later) =>
      sent.some(
        ({ key, status, answeredAt }) => key === later.key && status === 200 && (answeredAt ?? later.beganAt) < later.beganAt,
      ),
    )
    .map(({ key }) => `sent twice: ${key}`)
}

async function untilNone(look: () => Promise<string[]>): Promise<string[]> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found.length === 0 || Date.now() > deadline) return found
    await sleep(100)
  }
}
