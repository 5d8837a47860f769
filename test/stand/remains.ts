import { readdir, readFile, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../src/storage/store.js'
import { bucketStore } from './bucket-store.js'
import type { Stand } from './stand.js'

/**
 * Everything on a stand that an operation makes and may leave behind, one line for each thing: files of the capture
 * repository with temporaries and scratch directories, objects and uploads in the bucket (leases are among them), job
 * directories, instances and their ports, processes of jobs and instances, slots and backups of the source.
 */
export async function remainsOf(stand: Stand): Promise<string[]> {
  const bucket = await bucketStore(stand)
  const [files, objects, uploads, jobs, instances, processes, sessions] = await Promise.all([
    filesBelow(join(stand.directory, 'local')),
    objectsOf(bucket),
    uploadsOf(bucket),
    readdir(join(stand.stateDirectory, 'jobs')).catch(() => []),
    instancesOf(stand),
    processesOf(stand),
    sessionsOf(stand),
  ])
  return [
    ...files.map((path) => `local ${path}`),
    ...objects.map((key) => `bucket ${key}`),
    ...uploads.map((key) => `upload ${key}`),
    ...jobs.map((name) => `job ${name}`),
    ...instances.map((path) => `instance ${path}`),
    ...processes.map((command) => `process ${command}`),
    ...sessions.map((session) => `source ${session}`),
  ].sort()
}

/** What is there and was not before, once it stands still: a process that was told to end may take a moment. */
export async function leftSince(stand: Stand, before: readonly string[], patienceMs = 5000): Promise<string[]> {
  const giveUpAt = Date.now() + patienceMs
  for (;;) {
    const left = (await remainsOf(stand)).filter((thing) => !before.includes(thing))
    if (left.length === 0 || Date.now() > giveUpAt) return left
    await sleep(200)
  }
}

/** Files, and directories that should have gone with what was in them. */
async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const kept = entries.filter((entry) => !entry.isDirectory() || entry.name.startsWith('.') || entry.name.includes('_full_'))
  return kept.map((entry) => relative(directory, join(entry.parentPath, entry.name)))
}

async function objectsOf(bucket: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of bucket.list('')) keys.push(key)
  return keys
}

async function uploadsOf(bucket: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of bucket.uploads?.listStale('', new Date(8.64e15)) ?? []) keys.push(key)
  return keys
}

/** Names only: what an instance has inside is its own. */
async function instancesOf(stand: Stand): Promise<string[]> {
  const directory = join(stand.directory, 'instances')
  const names = await readdir(directory).catch(() => [])
  const inside = await Promise.all(names.filter((name) => name.startsWith('.')).map((name) => filesBelow(join(directory, name))))
  return [...names.filter((name) => name !== '.ports'), ...inside.flat().map((port) => `port ${port}`)]
}

/** Of jobs, and of what works in the repository or in an instance: pg_basebackup, tar, restored servers. */
async function processesOf(stand: Stand): Promise<string[]> {
  const places = ['state/jobs', 'local', 'instances'].map((name) => `${stand.directory}/${name}/`)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const seen = await Promise.all(pids.map((pid) => commandAndPlace(pid)))
  return seen.filter((text) => places.some((place) => text.includes(place)))
}

async function commandAndPlace(pid: string): Promise<string> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  return command === '' ? '' : `${pid} ${command.replaceAll('\0', ' ').trim()} in ${cwd}/`
}

async function sessionsOf(stand: Stand): Promise<string[]> {
  const rows = await stand.postgres.sql<{ what: string }>(
    `select 'slot ' || slot_name as what from pg_replication_slots
     union all select 'walsender ' || pid from pg_stat_replication
     union all select 'backup ' || pid from pg_stat_progress_basebackup`,
  )
  return rows.map(({ what }) => what)
}
