import { chown, mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RestoreRequest } from '../../src/domain/operations.js'
import { placeForServers } from '../plain-tools/plain-bench.js'
import { plainMachine } from '../plain-tools/plain-machine.js'
import { serverUser, type TestPostgres } from '../servers/postgres.js'
import { dropInstance } from '../stand/restored.js'
import { trials } from '../stand/trials.js'
import { openPitrBench, type PitrBench } from './pitr-bench.js'
import { type Moment, startWriter } from './writer.js'

/*
 * A writer commits row after row, while backups are taken and WAL is archived as in production: whatever moment is asked for, every row
 * that was committed before it is there, and none that was committed later. HOLDFAST_SEED repeats a run's choice of moments.
 */

const isLong = process.env.HOLDFAST_TEST_LONG === '1'
// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: isLong ? 3_600_000 : 120_000, hookTimeout: isLong ? 600_000 : 120_000 })

/** Of each server. */
const count = isLong ? 50 : 3
const [first] = trials()
const [seed, random] = [first?.seed ?? 1, first?.random ?? Math.random]

const forms = ['time', 'lsn', 'xid', 'name'] as const

function targetOf({ at, lsn, xid, name }: Moment, form: (typeof forms)[number]): string {
  return { time: at, lsn: `lsn:${lsn}`, xid: `xid:${xid}`, name: `name:${name}` }[form]
}

describe.each([
  { major: 15, walSegmentSizeMb: 16, tablespace: true, settings: { max_connections: '60' } },
  { major: 18, walSegmentSizeMb: 1, tablespace: false, settings: {} },
] as const)('restores to moments of PostgreSQL $major, segments of $walSegmentSizeMb MB, tablespace: $tablespace', (server) => {
  let bench: PitrBench
  let moments: readonly Moment[]
  /** How many of them were over when the second backup began, and when it had ended. */
  let [beforeSecond, afterSecond] = [0, 0]
  /** By when all of it is archived, and nothing has been committed since. */
  let idleAt: string

  beforeAll(async () => {
    bench = await openPitrBench({ server, ballast: 2000 })
    const writer = await startWriter(bench.source)
    await writer.writes(100)
    await bench.source.sql('select pg_switch_wal()')
    beforeSecond = writer.moments.length
    await bench.backup()
    afterSecond = writer.moments.length
    await writer.writes(50)
    await writer.stop()
    await allowMore(bench.source)
    const goingOn = await startWriter(bench.source, writer.moments.length + 1)
    await goingOn.writes(50)
    await goingOn.stop()
    moments = [...writer.moments, ...goingOn.moments]
    // As with `archive_timeout`: the server's position is then the end of a segment that is empty at its end.
    await bench.source.sql('select pg_switch_wal()')
    idleAt = (await bench.archiver.archive()).at
  })

  afterAll(async () => {
    await bench?.close()
  })

  /** A replay that comes past this would stop, for the restored server begins with what the backup was taken with. */
  async function allowMore(source: TestPostgres): Promise<void> {
    if (server.settings.max_connections === undefined) return
    await source.sql('alter system set max_connections = 80')
    await source.stop()
    await source.start()
  }

  /** Names and transactions tell nothing of when they were: of those before the newest backup, its end included, the base is named. */
  function baseFor(index: number, form: (typeof forms)[number]): Partial<RestoreRequest> {
    return index <= afterSecond && (form === 'xid' || form === 'name') ? { base: bench.base } : {}
  }

  test(`every row committed before the target is there, and none after it: ${count} moments, seed ${seed}`, async () => {
    const from = { before: 0, after: 0 }
    // As many at a time as there are slots.
    for (let number = 0; number < count; ) {
      const some = Array.from({ length: Math.min(2, count - number) }, () => number++)
      await Promise.all(
        some.map(async (each) => {
          const index = Math.floor(random() * moments.length)
          const [moment, form] = [moments[index], forms[(each + server.major) % forms.length]]
          if (moment === undefined || form === undefined) throw new Error('there is no moment')
          const report = await bench.expectRows(`copy-${each}`, targetOf(moment, form), moment.rows, baseFor(index, form))
          expect(report).toMatchObject({
            timeline: 2,
            recovery: { timeline: 1, reached: { at: expect.stringMatching(/^20.*Z$/) } },
          })
          if (form !== 'time' && form !== 'lsn') return
          if (index < beforeSecond) expect(report.backup).toBe(bench.base)
          if (index > afterSecond) expect(report.backup).not.toBe(bench.base)
          from[report.backup === bench.base ? 'before' : 'after'] += 1
        }),
      )
    }
    if (isLong) expect(Math.min(from.before, from.after)).toBeGreaterThan(0)
  })

  test('a moment after the last commit, and the newest there is, are the end of what is archived', async () => {
    const rows = moments.length
    const [idle] = await Promise.all([bench.expectRows('idle', idleAt, rows), bench.expectRows('newest', 'latest', rows)])
    expect(idle.recovery).toMatchObject({ target: { kind: 'time' }, expected: { at: expect.any(String) } })
    if (server.settings.max_connections === undefined) return
    const log = await readFile(join(bench.stand.directory, 'worker.log'), 'utf8')
    expect(log).toContain('the original had more connections or workers later on than at the time of the backup')
  })

  test('what lies outside of the window is refused with the window, before anything is fetched', async () => {
    const { proxy, cli } = bench.stand
    const asked = proxy.requests.length
    const window = /cannot be restored; what can: local: \d{4}-\S+Z to \d{4}-\S+Z; primary: \d{4}-\S+Z to \d{4}-\S+Z/
    const past = await cli('restore', 'shop', '--to', '2020-01-01T00:00:00Z', '--name', 'past')
    expect(past).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(window) })
    for (const to of ['2099-01-01T00:00:00Z', 'lsn:FFF/0', 'lsn:0/1'])
      expect(await bench.restore('outside', to)).toMatchObject({ code: 'OUTSIDE_WINDOW', message: expect.stringMatching(window) })
    // Nobody else reads backups meanwhile, and an instance is made before they are read.
    const read = proxy.requests.slice(asked).filter(({ operation, key }) => operation === 'Get' && key.includes('/a1/'))
    expect(read).toEqual([])
    expect(await readdir(join(bench.stand.directory, 'instances')).catch(() => [])).not.toContain('outside')
  })

  test('replay never makes a tablespace where the original has it: it is refused, and a position before it is not', async () => {
    const before = moments.at(-1) as Moment
    const location = join(bench.source.directory, 'new')
    const { uid, gid } = await serverUser()
    await mkdir(location, { mode: 0o700 })
    await chown(location, uid, gid)
    await bench.source.sql(`create tablespace new location '${location}'`)
    await bench.source.sql('create table placed tablespace new as select 1 as number')
    await bench.archiver.archive()
    const files = await readdir(location, { recursive: true })
    const [refused] = await Promise.all([
      bench.restore('linked', 'latest', { onFailure: 'keep' }),
      bench.expectRows('unlinked', `lsn:${before.lsn}`, before.rows),
    ])
    const message = expect.stringMatching(/^the original made a tablespace at [0-9A-F]+\/[0-9A-F]+, after this backup began/)
    expect(refused).toMatchObject({ outcome: 'failed', code: 'OUTSIDE_WINDOW', message })
    const links = join(bench.stand.directory, 'instances', 'linked', 'data', 'pg_tblspc')
    const led = await Promise.all((await readdir(links)).map((name) => readlink(join(links, name))))
    expect(led).toHaveLength(server.tablespace ? 1 : 0)
    expect(led).not.toContain(location)
    expect(await readdir(location, { recursive: true })).toEqual(files)
    await dropInstance(bench.stand, 'linked')
    await expectRefusedByScript(location)
  })

  async function expectRefusedByScript(location: string): Promise<void> {
    const { directory, env } = bench.stand
    const [key, place] = [join(directory, 'the.key'), await placeForServers()]
    await writeFile(key, `${env.STAND_KEY}\n`, { mode: 0o600 })
    const machine = await plainMachine()
    const from = ['--from', join(directory, 'local'), '--key', key, '--bin', bench.source.binDirectory]
    const files = await readdir(location, { recursive: true })
    const { exitCode, stderr } = await machine.restore('latest', ...from, '--target', join(place, 'rescue'))
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: expect.stringContaining('the original made a tablespace at ') })
    expect(await readdir(place)).toEqual([])
    expect(await readdir(location, { recursive: true })).toEqual(files)
    await rm(dirname(place), { recursive: true })
  }
})
