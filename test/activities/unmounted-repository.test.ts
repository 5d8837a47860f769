import { readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queuesOf, timeoutsOf } from '../../src/activities/plan-parts.js'
import { precheckBackup } from '../../src/activities/precheck-backup.js'
import { backupPrefix } from '../../src/catalog/keys.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { BackupPlan } from '../../src/domain/plans.js'
import { checkRepository } from '../../src/workers/doctor/check-repository.js'
import { codeOf } from '../catalog/sample-manifest.js'
import { type JobBench, openJobBench } from '../jobs/job-bench.js'

const captureRepository = parseRepositoryName('local')
const { signal } = new AbortController()
let bench: JobBench
let root: string

beforeAll(async () => {
  bench = await openJobBench()
  root = join(bench.directory, 'local')
})
afterAll(() => bench?.close())

test('the check before a capture makes no directory where a file system is not mounted; the doctor makes it, and says so', async () => {
  const { backup, system } = bench.capture('a1')
  const { config } = bench.composition
  const plan: BackupPlan = {
    backup,
    prefix: backupPrefix(backup),
    system,
    kind: 'full',
    dueAt: '2026-01-10T03:00:00.000Z',
    queues: queuesOf('bench'),
    captureRepository,
    copies: [],
    timeouts: timeoutsOf(config),
  }
  // A lease was put there a moment ago: then it went away.
  await rmdir(root)
  expect(await codeOf(() => precheckBackup(bench.composition, plan, signal))).toBe('STORE_MISSING')
  expect(await readdir(bench.directory)).not.toContain('local')

  const findings = await checkRepository(bench.composition, captureRepository, signal)
  expect(findings[0]).toMatchObject({
    outcome: 'warning',
    message: `${root} was not there; it has been made`,
    hint: expect.stringContaining('mount its file system'),
  })
  const again = await checkRepository(bench.composition, captureRepository, signal)
  expect(again.map(({ outcome }) => outcome)).toEqual(['ok', 'ok'])
  // As the hint says it can be: nothing is in it.
  await rmdir(root)
})
