import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { progressSignal } from '../../src/domain/contract-names.js'
import { parseInstanceName, parseRepositoryName } from '../../src/domain/ids.js'
import { instanceFiles } from '../../src/engines/postgres/instance-files.js'
import { awaitJob, killJob } from '../stand/job-processes.js'
import { connectOperations, type Operation, type Operations } from '../stand/operations.js'
import { dropInstance, instancesOf } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import { startTestArchiver, type TestArchiver } from '../stand/test-archiver.js'

/** What the stand's secrets were, kept beside the histories: the stand is long gone, and they must not be in them. */
export const secretsFile = 'secrets-of-the-stand.json'

interface Scene {
  readonly name: string
  /** What the ending must look like, or the history is not what its name says. */
  readonly expected: string
  play(stand: Stand, operations: Operations, archiver: TestArchiver): Promise<Operation<unknown>>
}

const scenes: readonly Scene[] = [
  { name: 'backup-complete', expected: 'done complete 1', play: (_stand, { backup }) => backup() },
  { name: 'backup-degraded', expected: 'done degraded 1', play: degraded },
  { name: 'backup-second-attempt', expected: 'done complete 2', play: secondAttempt },
  { name: 'backup-cancelled', expected: 'failed STOPPED', play: (_stand, { backup }) => cancelled(backup(), 'capture') },
  { name: 'restore-complete', expected: 'done', play: (_stand, { restore }) => restore('whole') },
  { name: 'restore-failed-check', expected: 'failed CHECK_FAILED', play: failedCheck },
  {
    name: 'restore-cancelled',
    expected: 'failed STOPPED',
    play: (_stand, { restore }) => cancelled(restore('unwanted'), 'extract'),
  },
  { name: 'restore-database-complete', expected: 'done', play: intoDatabase },
  {
    name: 'restore-database-cancelled',
    expected: 'failed STOPPED',
    play: (_stand, { restoreDatabase }) => cancelled(restoreDatabase('unwanted'), 'restore'),
  },
  {
    name: 'restore-database-refused',
    expected: 'failed ALREADY_EXISTS',
    play: (_stand, { restoreDatabase }) => restoreDatabase('postgres'),
  },
  // From here on WAL is archived: before, the newest there is was the end of a backup.
  { name: 'restore-recovery-complete', expected: 'done', play: recovered },
  {
    name: 'restore-recovery-cancelled',
    expected: 'failed STOPPED',
    play: async (stand, operations, archiver) => cancelled(recovery('unwanted', stand, operations, archiver), 'replay'),
  },
  { name: 'restore-recovery-undelivered', expected: 'failed ARTIFACT_DAMAGED', play: undelivered },
  { name: 'wal-stopped', expected: 'failed STOPPED', play: (_stand, { archive }) => cancelled(archive(), 'receive') },
  { name: 'wal-continued', expected: 'failed STOPPED', play: continued },
  { name: 'wal-forgotten', expected: 'done', play: (_stand, { forget }) => forget() },
]

/**
 * Plays the workflows on a real stand, in every way that matters for their order of steps, and keeps their histories. One that is
 * there is kept: it is what workflows have behind them that run while a change is rolled out.
 */
export async function recordHistories(directory: string): Promise<void> {
  const known = await readdir(directory)
  const missing = scenes.filter(({ name }) => !known.includes(`${name}.json`))
  if (missing.length > 0) await recordScenes(missing, directory)
}

async function recordScenes(missing: readonly Scene[], directory: string): Promise<void> {
  const stand = await startStand({
    maxRate: '8MB/s',
    wal: { mode: 'stream', required: ['primary'] },
    suggestContinueAsNewAfter: 60,
  })
  try {
    await stand.postgres.fillSample(20_000)
    const worker = await stand.startWorker()
    const operations = await connectOperations(stand.temporal.address)
    // Its receiver has no slot.
    await stand.postgres.sql(`alter system set wal_keep_size = '512MB'`)
    await stand.postgres.sql('select pg_reload_conf()')
    const archiver = await startTestArchiver(stand.postgres, stand)
    for (const scene of missing) await record(scene, stand, operations, archiver, directory)
    for (const name of ['whole', 'recovered']) await dropInstance(stand, name)
    await archiver.stop()
    await operations.close()
    await worker.stop()
  } finally {
    await stand.close()
  }
  const earlier = JSON.parse(await readFile(join(directory, secretsFile), 'utf8').catch(() => '[]')) as string[]
  const secrets = [...earlier, stand.env.STAND_KEY, stand.postgres.password, stand.s3.secretAccessKey]
  await writeFile(join(directory, secretsFile), `${JSON.stringify([...new Set(secrets)])}\n`)
}

async function record(
  { name, expected, play }: Scene,
  stand: Stand,
  operations: Operations,
  archiver: TestArchiver,
  directory: string,
): Promise<void> {
  const operation = await play(stand, operations, archiver)
  const ending = await operation.ending
  const seen = ending.outcome === 'failed' ? `failed ${ending.code}` : `done ${summaryOf(ending.report)}`.trim()
  if (seen !== expected) throw new Error(`${name} ended with "${seen}" instead of "${expected}"`)
  const { workflowId } = operation.handle
  const history = plain(await operation.handle.fetchHistory())
  const text = JSON.stringify({ workflowId, history: cleaned(history, stand.directory) }, null, 1)
  await writeFile(join(directory, `${name}.json`), `${text}\n`)
}

function summaryOf(report: unknown): string {
  const { outcome, attempts } = (report ?? {}) as { readonly outcome?: string; readonly attempts?: number }
  return [outcome, attempts].filter((part) => part !== undefined).join(' ')
}

/** One part is refused for good: the copy is not there, and nothing of it is left. */
async function degraded({ proxy }: Stand, { backup }: Operations): Promise<Operation<unknown>> {
  const denied = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
  proxy.failNext(({ operation, key }) => operation === 'Put' && key.includes('/a1/'), 403, denied)
  return backup()
}

async function secondAttempt({ stateDirectory }: Stand, { backup }: Operations): Promise<Operation<unknown>> {
  const operation = await backup()
  await killJob(await awaitJob(stateDirectory, { kind: 'capture', system: 'shop', attempt: 'a1' }))
  return operation
}

async function cancelled(starting: Promise<Operation<unknown>>, during: string): Promise<Operation<unknown>> {
  const operation = await starting
  await operation.reaches(during, 'running')
  await operation.handle.cancel()
  return operation
}

/** Figures come until the server says that the history is long enough. What is kept is the history of the first run. */
async function continued(_stand: Stand, { archive }: Operations): Promise<Operation<unknown>> {
  const operation = await archive()
  await operation.reaches('receive', 'running')
  const newest = operation.handle.client.getHandle(operation.handle.workflowId)
  const isFirst = async () => (await operation.handle.describe()).status.name === 'RUNNING'
  const figures = { step: 'receive', doneBytes: 0, conditions: [] }
  await Promise.all(Array.from({ length: 60 }, () => newest.signal(progressSignal, figures)))
  while (await isFirst()) await sleep(100)
  await newest.cancel()
  return operation
}

async function intoDatabase(stand: Stand, { restoreDatabase }: Operations): Promise<Operation<unknown>> {
  const backup = await stand.cli('backup', 'shop', '--kind', 'logical')
  if (backup.exitCode !== 0) throw new Error(backup.stderr)
  return restoreDatabase('copy')
}

/** The inventory beside the instance names a database the server does not have. */
async function failedCheck(stand: Stand, { restore }: Operations): Promise<Operation<unknown>> {
  const operation = await restore('wrong')
  await operation.reaches('replay', 'running')
  const instance = await instancesOf(stand).find(parseInstanceName('wrong'))
  if (instance === undefined) throw new Error('the instance is not there')
  const { inventory } = instanceFiles(instance)
  const known = JSON.parse(await readFile(inventory, 'utf8')) as { databases: { name: string }[] }
  known.databases = known.databases.map((database) => ({ ...database, name: `${database.name}_of_before` }))
  await writeFile(inventory, JSON.stringify(known))
  return operation
}

/** From a backup of now over the WAL of a few rows, from the bucket. */
async function recovery(name: string, stand: Stand, { backup, restore }: Operations, archiver: TestArchiver) {
  await (await backup()).ending
  await stand.postgres.sql('create table if not exists later as select generate_series(1, 20000)')
  await archiver.archive()
  return restore(name, { repository: parseRepositoryName('primary') })
}

function recovered(stand: Stand, operations: Operations, archiver: TestArchiver): Promise<Operation<unknown>> {
  return recovery('recovered', stand, operations, archiver)
}

/** Every copy that may be read is damaged. */
async function undelivered(stand: Stand, operations: Operations, archiver: TestArchiver): Promise<Operation<unknown>> {
  await (await operations.backup()).ending
  await archiver.archive()
  const wal = join(stand.directory, 'local', 'shop', 'wal')
  const entries = await readdir(wal, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const file of files) await truncate(file, 1000)
  return operations.restore('damaged', { repository: parseRepositoryName('local') })
}

interface Plainly {
  readonly constructor: { readonly toObject?: (message: object, forms: object) => unknown }
}

/**
 * Numbers and base64: what a replay takes as it is. Not `historyToJSON`: where npm has put protobufjs into the tree more than once,
 * it fails with "type must be a Type", and so does a replay of what it makes.
 */
function plain(history: object): unknown {
  const object = (history as Plainly).constructor.toObject?.(history, { longs: Number, enums: Number, bytes: String })
  if (object === undefined) throw new Error('the history is not a message')
  return object
}

/** Without what only says where and by whom it was recorded: no replay looks at it. */
function cleaned(value: unknown, standDirectory: string): unknown {
  const place = (text: string) => text.replaceAll(standDirectory, '/srv/stand').replaceAll(hostname(), 'host')
  if (typeof value === 'string') return place(value)
  if (Array.isArray(value)) return value.map((each) => cleaned(each, standDirectory))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([key]) => key !== 'stackTrace' && key !== 'identity' && key !== 'lastWorkerIdentity',
  )
  return Object.fromEntries(
    entries.map(([key, each]) => {
      const isPayload = key === 'data' && typeof each === 'string'
      return [key, isPayload ? inside(each, place) : cleaned(each, standDirectory)]
    }),
  )
}

function inside(base64: string, change: (text: string) => string): string {
  return Buffer.from(change(Buffer.from(base64, 'base64').toString())).toString('base64')
}
