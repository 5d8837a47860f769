import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { emptyRepository, freshTarget, putManifest } from './crafted-backup.js'
import { plainMachine } from './plain-machine.js'

let target: string
let keyFile: string

beforeAll(async () => {
  target = await freshTarget()
  keyFile = join(await mkdtemp(join(tmpdir(), 'keys-')), 'key')
  await writeFile(keyFile, 'a'.repeat(64))
})

test('everything that is missing is told at once, with how to get it', async () => {
  const machine = await plainMachine({ without: ['python3', 'aws', 'zstd', 'tar', 'setpriv'] })
  const { exitCode, stderr } = await machine.restore('latest', '--from', 's3://nowhere', '--key', keyFile, '--target', target)
  expect({ exitCode, stderr }).toEqual({ exitCode: 6, stderr: expect.stringMatching(/lacks programs/) })
  expect(stderr).toContain('python3, 3.11 or later: apt-get install python3')
  expect(stderr).toMatch(/aws: apt-get install awscli, or: .* pip install awscli/)
  expect(stderr).toContain('zstd: apt-get install zstd')
  expect(stderr).toContain('tar, GNU: apt-get install tar')
  if (process.getuid?.() === 0) expect(stderr).toContain('setpriv: apt-get install util-linux')
})

test('the packages of Python are asked for where there is a key, the AWS command line where there is a bucket', async () => {
  const machine = await plainMachine({ without: ['aws'], python: 'bare' })
  const { exitCode, stderr } = await machine.restore('latest', '--from', '/', '--key', keyFile, '--target', target)
  expect({ exitCode, stderr }).toEqual({ exitCode: 6, stderr: expect.stringContaining('pip install aws-encryption-sdk==') })
  expect(stderr).toContain('Python packages (aws-encryption-sdk aws-cryptographic-material-providers): ')
  expect(stderr.match(/pip install/g)).toHaveLength(1)
  expect(stderr).not.toContain('awscli')
  const withoutKey = await machine.restore('latest', '--from', await emptyRepository(), '--target', target)
  expect(withoutKey).toMatchObject({ exitCode: 4 })
})

test('the server is asked for in the major version of the backup, once that is known', async () => {
  const machine = await plainMachine()
  const from = await emptyRepository()
  const sample = sampleManifest()
  await putManifest(from, { ...sample, facts: { ...sample.facts, serverVersionNumber: 990_001 } })
  const { exitCode, stderr } = await machine.restore('latest', '--from', from, '--target', target)
  expect({ exitCode, stderr }).toEqual({ exitCode: 6, stderr: expect.stringContaining('apt-get install postgresql-99') })
})
