import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EncryptionKey } from '../../src/domain/keys.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { alterManifest, emptyRepository, putManifest, putPlainBackup } from './crafted-backup.js'
import { placeForServers } from './plain-bench.js'
import { type PlainMachine, plainMachine } from './plain-machine.js'

const key: EncryptionKey = { id: '2026-11', bytes: randomBytes(32) }
let machine: PlainMachine
let place: string
let target: string
let keyFile: string
let otherKeyFile: string

beforeAll(async () => {
  machine = await plainMachine()
  place = await placeForServers()
  target = join(place, 'target')
  const keys = await mkdtemp(join(tmpdir(), 'keys-'))
  keyFile = join(keys, '2026-11.key')
  otherKeyFile = join(keys, 'other.key')
  await writeFile(keyFile, Buffer.from(key.bytes).toString('hex'))
  await writeFile(otherKeyFile, randomBytes(32).toString('base64url'))
})

afterAll(async () => {
  // Whatever was refused left nothing beside the target either.
  expect(await readdir(place)).toEqual([])
  await rm(dirname(place), { recursive: true })
})

describe('a manifest', () => {
  const encrypted = sampleManifest({ keyId: key.id })

  test('signed with another key than those given is refused, naming the key', async () => {
    const from = await emptyRepository()
    await putManifest(from, encrypted, key)
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--key', otherKeyFile, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining('give the file of the key "2026-11"') })
  })

  test('that needs a key is refused without one', async () => {
    const from = await emptyRepository()
    await putManifest(from, encrypted, key)
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining('needs the key "2026-11"') })
  })

  test.each<[string, (manifest: Record<string, unknown>) => object, string]>([
    ['that was altered', (manifest) => ({ ...manifest, reason: 'another' }), 'is altered, or of another key'],
    ['whose HMAC was taken away', ({ hmac: _, ...rest }) => ({ ...rest, encryption: { format: 'none' } }), 'is not signed'],
    ['of another format version', (manifest) => ({ ...manifest, formatVersion: 2 }), 'has format version 2'],
    [
      'of another backup',
      (manifest) => ({ ...manifest, backup: 'avi5_full_2026-01-11T03-00-00Z' }),
      'is that of avi5_full_2026-01-11',
    ],
    [
      'with an artifact that leads elsewhere',
      (manifest) => withName(manifest, '../../manifest.json'),
      "holds '../../manifest.json'",
    ],
    ['with an artifact that begins with a dot', (manifest) => withName(manifest, '.ssh'), "holds '.ssh'"],
    ['with an attempt that leads elsewhere', (manifest) => ({ ...manifest, attempt: '../a1' }), "holds '../a1'"],
    ['that lacks a member', ({ facts: _, ...rest }) => rest, "lacks a member or has another kind of value: 'facts'"],
  ])('%s is refused', async (_, change, message) => {
    const from = await emptyRepository()
    await alterManifest(await putManifest(from, encrypted, key), change)
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--key', keyFile, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining(message) })
  })

  test.each([
    ['spaces more', (text: string) => text.replace('{', '{ ')],
    ['a member twice', (text: string) => text.replace('{\n', '{\n  "attempt": "a1",\n')],
    ['no JSON', () => 'nothing'],
  ])('with %s is refused', async (_, change) => {
    const from = await emptyRepository()
    const path = await putManifest(from, encrypted, key)
    const text = execFileSync('cat', [path], { encoding: 'utf8' })
    await writeFile(path, change(text))
    const { exitCode } = await machine.restore('latest', '--from', from, '--key', keyFile, '--target', target)
    expect(exitCode).toBe(8)
  })
})

describe('an archive', () => {
  test('with a link out of the target is refused, and nothing of it stays', async () => {
    const from = await emptyRepository()
    const files = await filesOfCluster()
    await symlink('/etc', join(files, 'base', 'out'))
    await putPlainBackup(from, { base: tar(join(files, 'base')), wal: tar(join(files, 'wal')) })
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining(`is a link: ${target}/data/out`) })
  })

  test('with a path out of the target is refused', async () => {
    const from = await emptyRepository()
    const files = await filesOfCluster()
    const wal = tar(join(files, 'wal'), '--absolute-names', '--transform=s,^.,../../escaped,')
    await putPlainBackup(from, { base: tar(join(files, 'base')), wal })
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining("Member name contains '..'") })
  })

  test('whose cluster is not one is refused', async () => {
    const from = await emptyRepository()
    const files = await filesOfCluster()
    await putPlainBackup(from, { base: tar(join(files, 'base')), wal: tar(join(files, 'wal')) })
    const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', target)
    expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining('is not a cluster of PostgreSQL 15') })
  })
})

/** As much of a data directory as unpacking looks at. */
async function filesOfCluster(): Promise<string> {
  const files = await mkdtemp(join(tmpdir(), 'files-'))
  for (const name of ['base', 'base/pg_wal', 'base/pg_tblspc', 'wal']) await mkdir(join(files, name))
  await writeFile(join(files, 'wal', 'segment'), 'x')
  return files
}

function tar(directory: string, ...options: readonly string[]): Buffer {
  return execFileSync('tar', ['--create', '--file=-', `--directory=${directory}`, ...options, '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** The same manifest with the first artifact under another name. */
function withName(manifest: Record<string, unknown>, name: string): object {
  const [first, ...others] = manifest.artifacts as readonly object[]
  return { ...manifest, artifacts: [{ ...first, name }, ...others] }
}
