import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contentsAt, type PlainBench, placeForServers, startPlainBench, stopServer } from './plain-bench.js'

let bench: PlainBench
let place: string

beforeAll(async () => {
  bench = await startPlainBench()
  place = await placeForServers()
}, 120_000)

afterAll(async () => {
  await bench?.close()
  if (place !== undefined) await rm(dirname(place), { recursive: true, force: true })
})

test('the newest backup comes back from a bucket, in a machine without node, temporal and holdfast', async () => {
  const { machine, stand, keyFile, second } = bench
  const target = join(place, 'from S3')
  const from = ['--from', 's3://backups', '--endpoint-url', stand.s3.endpoint]
  const restored = await machine.restore('latest', ...from, '--key', keyFile, '--target', target)
  expect(restored, restored.stderr).toMatchObject({ exitCode: 0 })
  try {
    expect(await contentsAt({ port: portIn(restored.stdout), stand })).toEqual(second.contents)
  } finally {
    await stopServer(target, stand)
  }
})

function portIn(stdout: string): number {
  return Number(/at 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1])
}
