import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { endOwnProcesses, isAlive, ownProcesses } from '../../scripts/demo/own-processes.js'
import { findPlaces } from '../../scripts/demo/places.js'
import { startPostgres } from '../servers/postgres.js'

const sleeper = 'setTimeout(() => {}, 60000)'

test("only the demo's programs on its own directory are ended", async () => {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'))
  const file = join(directory, 'file')
  await writeFile(file, '')
  const options = { reject: false } as const
  const own = execa(process.execPath, ['-e', sleeper, file], options)
  const reader = execa('tail', ['-f', file], options)
  const neighbour = execa(process.execPath, ['-e', sleeper, `${directory}-2/file`], options)
  try {
    await expect.poll(async () => (await ownProcesses(directory)).map(({ pid }) => pid)).toEqual([own.pid])
    await endOwnProcesses(directory)
    expect((await own).signal).toBe('SIGKILL')
    expect(await Promise.all([reader.pid, neighbour.pid].map((pid) => isAlive(pid ?? 0)))).toEqual([true, true])
  } finally {
    reader.kill()
    neighbour.kill()
    await Promise.all([reader, neighbour])
  }
})

test('a server of PostgreSQL takes its own processes along', async () => {
  const server = await startPostgres({ major: 15 })
  const [row] = await server.sql<{ pid: number }>(`select pid from pg_stat_activity where backend_type = 'walwriter'`)
  const ended = await endOwnProcesses(server.directory)
  expect(ended.map(({ program }) => program)).toEqual(['postgres'])
  await expect.poll(() => isAlive(row?.pid ?? 0)).toBe(false)
  await server.dispose()
})

test('a checkout with a long path has its demo where sockets and other users reach it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'demo-'))
  const closed = join(root, 'closed')
  await mkdir(closed, { mode: 0o700 })
  expect((await findPlaces(closed)).directory).toMatch(/^\/tmp\/holdfast-demo-[0-9a-f]{8}$/)
  const long = join('/tmp', `hf-${'x'.repeat(60)}`)
  expect((await findPlaces(long)).directory).toMatch(/^\/tmp\/holdfast-demo-[0-9a-f]{8}$/)
  expect((await findPlaces('/tmp')).directory).toBe('/tmp/.run/demo')
})
