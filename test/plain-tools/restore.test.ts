import { chmod, cp, mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDocShell } from '../docs/doc-shell.js'
import { scenario } from '../docs/markdown.js'
import type { Stand } from '../stand/stand.js'
import { contentsAt, type PlainBench, placeForServers, startPlainBench, stopServer } from './plain-bench.js'
import { quoted, restoreByHand } from './restore-by-hand.js'

let bench: PlainBench
let place: string

beforeAll(async () => {
  bench = await startPlainBench()
  place = await placeForServers()
}, 120_000)

afterAll(async () => {
  await bench?.close()
  if (place === undefined) return
  expect(await readdir(place)).toEqual([])
  await rm(dirname(place), { recursive: true })
})

test('the commands of the page bring the newest backup back from a bucket, without node, temporal and holdfast', async () => {
  const { machine, stand, keyFile, second } = bench
  const target = join(place, 'rescue')
  const replacements = [
    ['YOUR-ACCESS-KEY-ID', stand.s3.accessKeyId],
    ['YOUR-SECRET-ACCESS-KEY', stand.s3.secretAccessKey],
    ['s3://backups-prod', 's3://backups'],
    ['https://s3.example.com', stand.s3.endpoint],
    ['--system avi5', '--system shop'],
    ['/media/offline/holdfast/keys/2026-11.key', quoted(keyFile)],
    ['/var/lib/postgresql/avi5-rescue', quoted(target)],
  ] as const
  const shell = createDocShell({ directory: place, replacements, env: machine.env })
  for (const name of ['node', 'temporal', 'holdfast']) {
    await expect(shell.run({ page: 'here', line: 1, language: 'sh', marks: {}, text: `command -v ${name}` })).rejects.toThrow(
      'failed',
    )
  }
  const blocks = await scenario('plain-tools')
  const printed = (await Promise.all(blocks.map((block) => shell.run(block)))).join('')
  try {
    expect(printed).toContain('verified: every file is as PostgreSQL listed it')
    expect(printed).toContain('promoted to timeline 2; the original was on 1')
    expect(await contentsAt({ port: portIn(printed), stand })).toEqual({ ...second.contents, archive_mode: 'off' })
  } finally {
    await remove(target)
  }
})

test('a time between two backups brings the older one back from a directory, with a pg_verifybackup that only crashes', async () => {
  const { machine, stand, keyFile, first } = bench
  const target = join(place, 'older')
  const from = ['--from', join(stand.directory, 'local'), '--key', keyFile, '--bin', await crashingPrograms(stand)]
  const restored = await machine.restore(first.manifest.stoppedAt, ...from, '--target', target)
  expect(restored, restored.stderr).toMatchObject({ exitCode: 0 })
  try {
    expect(restored.stderr).toContain(`chosen: ${first.manifest.backup}`)
    expect(restored.stderr).toContain('not verified: pg_verifybackup')
    expect(await contentsAt({ port: portIn(restored.stdout), stand })).toEqual(first.contents)
  } finally {
    await remove(target)
  }
})

test('the steps by hand of the page of the format lead to the same', async () => {
  const { stand, second } = bench
  await using restored = await restoreByHand(bench)
  expect(restored.printed).toMatch(/^00000002/m)
  expect(await contentsAt({ host: restored.host, port: restored.port, stand })).toEqual(second.contents)
})

test('the list of a bucket shows both backups, also below a prefix; a bucket that is not there is said to be the source', async () => {
  const { machine, stand, first, second } = bench
  await cp(join(stand.directory, 'local'), join(stand.directory, 's3', 'backups', 'all of', 'them'), { recursive: true })
  const at = ['--endpoint-url', stand.s3.endpoint]
  const listed = await machine.restore('--list', '--from', 's3://backups/all of/them/', ...at)
  expect(listed, listed.stderr).toMatchObject({ exitCode: 0 })
  for (const { manifest } of [first, second]) expect(listed.stdout).toContain(`${manifest.stoppedAt}  ${manifest.backup}`)
  const { exitCode, stderr } = await machine.restore('--list', '--from', 's3://nowhere', ...at)
  expect({ exitCode, stderr }).toEqual({ exitCode: 7, stderr: expect.stringContaining('cannot list s3://nowhere') })
})

test('a damaged artifact is refused, and nothing of the target stays', async () => {
  const { machine, keyFile, second } = bench
  const from = await bench.copyOfRepository()
  await using file = await open(join(from, second.attempt, 'base.tar.zst.enc'), 'r+')
  await file.write(Buffer.from('damaged'), 0, 7, 5000)
  const { exitCode, stderr } = await machine.restore(
    'latest',
    '--from',
    from,
    '--key',
    keyFile,
    '--target',
    join(place, 'damaged'),
  )
  expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining('base.tar.zst.enc of shop_full_') })
  expect(stderr).toContain('is damaged: its SHA-256 is not that of the manifest')
})

test.each(['checking and decrypting', 'verified'])(
  'a signal after "%s" ends it with nothing left and nothing running',
  async (words) => {
    const { machine, stand, keyFile } = bench
    const target = join(place, 'stopped')
    const running = machine.start('latest', '--from', join(stand.directory, 'local'), '--key', keyFile, '--target', target)
    for await (const line of running.iterable({ from: 'stderr' })) {
      if (!line.startsWith(words)) continue
      running.kill('SIGTERM')
      break
    }
    // Our end of its messages is closed by then, as with a terminal that goes away.
    expect(await running).toMatchObject({ exitCode: 11 })
    expect(await readdir(place)).toEqual([])
  },
)

/** PostgreSQL's own programs but one, which some builds of 18 have like this. */
async function crashingPrograms({ postgres }: Stand): Promise<string> {
  const bin = await mkdtemp(join(tmpdir(), 'programs '))
  await chmod(bin, 0o755)
  for (const name of ['postgres', 'pg_ctl', 'psql', 'pg_controldata']) {
    await symlink(join(postgres.binDirectory, name), join(bin, name))
  }
  await writeFile(join(bin, 'pg_verifybackup'), '#!/bin/sh\nkill -SEGV $$\n', { mode: 0o755 })
  return bin
}

function portIn(printed: string): number {
  return Number(/at 127\.0\.0\.1:(\d+)/.exec(printed)?.[1])
}

async function remove(target: string): Promise<void> {
  await stopServer(join(target, 'data'), bench.stand).catch(() => undefined)
  await rm(target, { recursive: true, force: true })
}
