import { mkdir, readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DefaultLogger, type ReplayHistoriesIterable, type ReplayResult, Runtime, Worker } from '@temporalio/worker'
import { beforeAll, expect, test } from 'vitest'
import { bundleWorkflows } from './bundle-workflows.js'
import { recordHistories, secretsFile } from './record-histories.js'

/*
 * Histories of real runs, and the workflows as they are in the source. UPDATE_HISTORIES=1 records those that are missing; a change that
 * breaks a replay breaks workflows that are running while it is rolled out, so removing one is for changes made with `patched`. Before
 * the first release nobody runs them, and a history may be recorded anew.
 */

const directory = resolve('test/histories')

interface Recorded {
  readonly name: string
  readonly workflowId: string
  readonly history: unknown
}

let recorded: readonly Recorded[]

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  await mkdir(directory, { recursive: true })
  if (process.env.UPDATE_HISTORIES === '1') await recordHistories(directory)
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json') && name !== secretsFile)
  recorded = await Promise.all(
    names.map(async (name) => ({ name, ...JSON.parse(await readFile(resolve(directory, name), 'utf8')) })),
  )
}, 600_000)

test('there is a history of every way the workflows can go', () => {
  expect(recorded.map(({ name }) => name.replace('.json', '')).sort()).toEqual([
    'backup-cancelled',
    'backup-complete',
    'backup-degraded',
    'backup-second-attempt',
    'restore-cancelled',
    'restore-complete',
    'restore-database-cancelled',
    'restore-database-complete',
    'restore-database-refused',
    'restore-failed-check',
    'restore-recovery-cancelled',
    'restore-recovery-complete',
    'restore-recovery-undelivered',
    'wal-continued',
    'wal-forgotten',
    'wal-stopped',
  ])
})

test('recorded histories of all workflows replay', async () => {
  const results = await replay((await bundleWorkflows()).code)
  expect(results).toHaveLength(recorded.length)
  expect(results.filter(({ error }) => error !== undefined)).toEqual([])
})

test('a workflow that does its steps in another order does not replay', async () => {
  const { code } = await bundleWorkflows()
  const swapped = code
    .replaceAll('acquireCaptureLease(', '_swap_(')
    .replaceAll('runHooks(', 'acquireCaptureLease(')
    .replaceAll('_swap_(', 'runHooks(')
  const results = await replay(swapped)
  const broken = results.filter(({ error }) => error?.name === 'DeterminismViolationError')
  expect(broken.map(({ workflowId }) => workflowId)).toEqual(Array.from({ length: 4 }, () => 'backup/shop/full'))
})

test('no history holds a secret, in plain text or inside a payload', async () => {
  const secrets = JSON.parse(await readFile(resolve(directory, secretsFile), 'utf8')) as string[]
  expect(secrets.length).toBeGreaterThan(2)
  for (const { name, history } of recorded) {
    const text = textsOf(history).join('\n')
    expect(text, name).toContain('shop')
    for (const secret of secrets) expect(text.includes(secret), `${name} holds a secret`).toBe(false)
  }
})

async function replay(code: string): Promise<ReplayResult[]> {
  const histories = recorded.map(({ workflowId, history }) => ({ workflowId, history })) as unknown as ReplayHistoriesIterable
  const results: ReplayResult[] = []
  for await (const result of Worker.runReplayHistories({ workflowBundle: { code } }, histories)) results.push(result)
  return results
}

/** Every text of a document, payloads also as what they hold. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value, Buffer.from(value, 'base64').toString()]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((each) => textsOf(each))
}
