import { randomBytes } from 'node:crypto'
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import { compareLsn, type Lsn, lsnToBytes, segmentNameAt } from '../../src/domain/lsn.js'
import { parseSegmentName, segmentStart } from '../../src/domain/wal.js'
import { runProgram } from '../../src/process/run-program.js'
import { mayMount, mountSmall } from '../stand/mounts.js'
import { type ArchiveBench, startArchiveBench, until } from './archive-bench.js'
import { putWal } from './put-wal.js'

/* What archiving cannot mend is named, nothing of it is written over, and it goes on when the reason is gone. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 })

const mib = 2 ** 20
const shop = parseSystemName('shop')
const canMount = await mayMount()
let bench: ArchiveBench
let origin: Lsn

beforeAll(async () => {
  bench = await startArchiveBench({ postgres: { walSegmentSizeMb: 1 } })
  origin = await bench.flushed()
  await bench.stand.cli('wal', 'start', 'shop')
  await bench.marked(origin)
})

afterAll(async () => {
  await bench?.close()
})

async function expectNoGap(from: Lsn): Promise<void> {
  const lsn = await bench.write(1)
  for (const repository of ['primary', 'local']) {
    await bench.marked(lsn, repository)
    await bench.compare(from, lsn, repository)
  }
}

const conditionGone = (code: string) =>
  until(`no ${code}`, async () => ((await bench.conditions()).some((each) => each.code === code) ? undefined : true))

/** A segment that the server has not begun yet, under its right name, in S3: somebody else was there first. */
async function putBefore(systemIdentifier: string): Promise<{ file: string; remove(): Promise<void>; at: Lsn }> {
  const { store } = await bench.composition.repository(parseRepositoryName('primary'))
  const number = lsnToBytes(await bench.flushed()) / BigInt(bench.segmentBytes) + 2n
  const at = segmentStart(number, bench.segmentBytes)
  const file = segmentNameAt(1, at, bench.segmentBytes)
  const keys = await bench.composition.keys()
  const bytes = randomBytes(bench.segmentBytes)
  const wal = { kind: 'segment', file } as const
  const key = await putWal({ store, keys, system: shop, systemIdentifier, file: wal, bytes, completedAt: new Date() })
  return { file, at, remove: async () => void (await store.delete([key])) }
}

test.each([
  ['another content', 'WAL_CONFLICT', (own: string) => own],
  ['another cluster', 'WAL_FOREIGN', () => '7000000000000000001'],
] as const)(
  'a segment of %s under the name of ours is told, kept as it is, and nothing is put beside it',
  async (_, code, whose) => {
    const own = (await bench.objects())[0]?.systemIdentifier ?? ''
    const from = await bench.flushed()
    const other = await putBefore(whose(own))
    try {
      const lsn = await bench.write(4 * mib)
      const told = await bench.condition(code)
      expect(told.message).toContain(`repository primary: it holds ${other.file} `)
      // The other repository is none the worse for it, and here nothing is proven beyond it.
      await bench.marked(lsn, 'local')
      const named = (await bench.objects()).filter(({ file }) => file === other.file)
      expect(named).toHaveLength(1)
      const status = await bench.stand.cli('wal', 'status', 'shop')
      expect(status.exitCode).toBe(3)
      expect(status.stdout).toContain(`! ${code}`)
    } finally {
      // The tests after this one archive to the same place.
      await other.remove()
    }
    await expectNoGap(from)
    await conditionGone(code)
  },
)

test('a crash of the server leaves no gap', async () => {
  const from = await bench.flushed()
  const writing = bench.write(6 * mib).catch(() => undefined)
  await bench.postgres.restartImmediate()
  await writing
  await expectNoGap(from)
})

test(`a disk of the spool that is full leaves the WAL on the server, until there is room${canMount ? '' : ' (not shown here: this user may not mount)'}`, async () => {
  if (!canMount) return
  const from = await bench.flushed()
  const directory = join(bench.stand.stateDirectory, 'wal')
  await bench.stand.cli('wal', 'stop', 'shop')
  const unmount = await mountSmall(directory, 'size=96m')
  try {
    await mkdir(join(directory, 'shop'), { mode: 0o700 })
    await writeFile(join(directory, 'ballast'), Buffer.alloc(92 * mib))
    await bench.stand.cli('wal', 'start', 'shop')
    expect((await bench.condition('SPOOL_SHORT')).message).toMatch(/the spool's disk has .* free; nothing is received/)
    await bench.write(4 * mib)
    await rm(join(directory, 'ballast'))
    await expectNoGap(from)
    await conditionGone('SPOOL_SHORT')
  } finally {
    await bench.stand.cli('wal', 'stop', 'shop')
    await unmount()
  }
  // The spool of before is there again, and knows nothing of what came meanwhile: the repositories do.
  await bench.stand.cli('wal', 'start', 'shop')
  await expectNoGap(from)
})

test('WAL that is nowhere any more is told, and one full backup begins the window anew', async () => {
  const { stand, postgres } = bench
  // The slot may go later than the archiving.
  const stopped = await stand.cli('wal', 'stop', 'shop')
  expect(stopped).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('`holdfast wal stop shop --drop-slot`') })
  const dropped = await stand.cli('wal', 'stop', 'shop', '--drop-slot')
  expect(dropped).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('the replication slot is gone') })
  expect(await postgres.sql('select slot_name from pg_replication_slots')).toEqual([])
  await postgres.sql('alter system set wal_keep_size = 0')
  await postgres.sql('select pg_reload_conf()')
  const lost = await bench.write(8 * mib)
  await postgres.sql('checkpoint')
  await until('the server to remove it', async () => {
    await bench.write(2 * mib)
    await postgres.sql('checkpoint')
    const files = await postgres.sql<{ name: string }>('select name from pg_ls_waldir() order by name')
    const oldest = files.find(({ name }) => name.length === 24)?.name ?? ''
    return parseSegmentName(oldest, bench.segmentBytes).number * BigInt(bench.segmentBytes) > lsnToBytes(lost) ? true : undefined
  })
  await postgres.sql('alter system reset wal_keep_size')
  await postgres.sql('select pg_reload_conf()')
  const from = await bench.flushed()
  await stand.cli('wal', 'start', 'shop')
  expect((await bench.condition('WAL_GAP')).message).toMatch(/repository \w+ lacks, and no other has, WAL from/)
  await until('the backup to be listed', async () => {
    const { running, ended } = JSON.parse((await stand.cli('status', 'shop', '--json')).stdout) as Record<
      string,
      { id: string }[]
    >
    return [...(running ?? []), ...(ended ?? [])].some(({ id }) => id === 'backup/shop/full') ? true : undefined
  })
  const kinds = await until('a backup', async () => {
    const listed = JSON.parse((await stand.cli('ls', 'shop', '--json')).stdout) as { backups: { kind: string }[] }
    return listed.backups.length === 0 ? undefined : listed.backups.map(({ kind }) => kind)
  })
  expect(kinds).toEqual(['full'])
  await conditionGone('WAL_GAP')
  await expectNoGap(from)
})

test('a server that was set back is refused as long as it is there, also once it has come further than what was received', async () => {
  const { postgres } = bench
  const { dataDirectory } = postgres
  await postgres.stop('fast')
  await cp(dataDirectory, `${dataDirectory}.before`, { recursive: true, preserveTimestamps: true })
  await runProgram({ program: 'chown', args: ['-R', '--reference', dataDirectory, `${dataDirectory}.before`] }, {})
  await postgres.start()
  const from = await bench.flushed()
  const reached = await bench.write(3 * mib)
  await bench.marked(reached)
  await postgres.stop('fast')
  await rename(dataDirectory, `${dataDirectory}.now`)
  await rename(`${dataDirectory}.before`, dataDirectory)
  await postgres.start()
  expect((await bench.condition('WAL_FOREIGN')).message).toContain('it was set back without a timeline of its own')
  while (compareLsn(await bench.flushed(), reached) < 0) await bench.write(mib)
  await bench.write(3 * mib)
  await until('the other content to be told', async () => {
    const told = await bench.conditions()
    return told.some(({ message }) => message.includes('it was set back, and has written other WAL since')) ? true : undefined
  })
  await postgres.stop('immediate')
  await rm(dataDirectory, { recursive: true })
  await rename(`${dataDirectory}.now`, dataDirectory)
  await postgres.start()
  await expectNoGap(from)
  await conditionGone('WAL_FOREIGN')
})
