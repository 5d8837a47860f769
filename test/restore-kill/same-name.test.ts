import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseInstanceName } from '../../src/domain/ids.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import { mayMount, mountSmall } from '../stand/mounts.js'
import { connectOperations, type Operations } from '../stand/operations.js'
import { contentsOfInstance, dropInstance, instancesOf } from '../stand/restored.js'
import { type Stand, startStand } from '../stand/stand.js'
import type { WorkerProcess } from '../stand/worker-process.js'
import { expectNothingLeft, prepareBench, type RestoreBench } from './restore-round.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const canMount = await mayMount()

describe('where a restore may not go', () => {
  let stand: Stand
  let operations: Operations
  let worker: WorkerProcess
  let bench: RestoreBench

  beforeAll(async () => {
    stand = await startStand({})
    await stand.postgres.fillSample(20_000)
    worker = await stand.startWorker()
    operations = await connectOperations(stand.temporal.address)
    bench = await prepareBench(stand, operations)
  })

  afterAll(async () => {
    await operations?.close()
    await worker?.stop()
    await stand?.close()
  })

  const restore = (name: string, ...more: string[]) => stand.cli('restore', 'shop', '--name', name, ...more)

  test('two restores to one name: the same request joins, another one is refused, and a later one finds it taken', async () => {
    const artifact = stand.proxy.hold(({ operation, key }) => operation === 'Get' && key.includes('/a1/base'))
    expect(await restore('twin', '--repository', 'primary', '--detach')).toMatchObject({ exitCode: 0 })
    const held = await artifact
    const other = await restore('twin', '--repository', 'local')
    expect(other).toMatchObject({ exitCode: 5 })
    expect(other.stderr).toContain('restore/twin runs already, for another request')

    const joining = restore('twin', '--repository', 'primary', '--json')
    held.release()
    const joined = await joining
    expect(joined, joined.stderr).toMatchObject({ exitCode: 0 })
    expect(joined.stderr).toContain('restore/twin runs already; following it')
    const report = JSON.parse(joined.stdout) as RestoreReport

    const late = await restore('twin', '--repository', 'primary')
    expect(late).toMatchObject({ exitCode: 5 })
    expect(late.stderr).toContain('instance twin is there already: RUNNING, of ')
    expect(await instancesOf(stand).find(parseInstanceName('twin'))).toMatchObject({ state: 'RUNNING' })
    expect(await contentsOfInstance(stand, report)).toEqual(bench.contents)
    await dropInstance(stand, 'twin')
    await expectNothingLeft(bench)
  })

  test("a directory of somebody else's is not touched", async () => {
    const directory = join(stand.directory, 'instances', 'foreign')
    await mkdir(directory)
    await writeFile(join(directory, 'kept'), 'precious')
    const refused = await restore('foreign')
    expect(refused, refused.stderr).toMatchObject({ exitCode: 5 })
    expect(refused.stderr).toContain(directory)
    expect(await readFile(join(directory, 'kept'), 'utf8')).toBe('precious')
    await rm(directory, { recursive: true })
    await expectNothingLeft(bench)
  })

  const short = 'too small a disk is noticed before anything is fetched'
  test(canMount ? short : `${short} (not shown here: this user may not mount)`, async () => {
    if (!canMount) return
    const instances = join(stand.directory, 'instances')
    const asked = stand.proxy.requests.length
    const unmount = await mountSmall(instances, 'size=16m')
    const refused = await restore('large', '--repository', 'primary').finally(unmount)
    expect(refused, refused.stderr).toMatchObject({ exitCode: 9 })
    expect(refused.stderr).toContain(`${instances} has `)
    const artifacts = stand.proxy.requests
      .slice(asked)
      .filter(({ operation, key }) => operation === 'Get' && key.includes('/a1/'))
    expect(artifacts).toEqual([])
    await expectNothingLeft(bench)
  })
})
