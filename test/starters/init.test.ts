import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.js'
import { resolveKeyRing } from '../../src/config/resolve-key-ring.js'
import type { Diagnosis } from '../../src/starters/diagnose.js'
import type { InitReport } from '../../src/starters/init/describe-init.js'
import { buildProgram } from '../../src/starters/program.js'
import { freePort } from '../servers/free-port.js'
import { type CliResult, runCli } from '../stand/run-cli.js'
import { type InitPlaces, initPlaces, treeOf } from './init-places.js'

let places: InitPlaces

beforeEach(async () => {
  places = await initPlaces()
})

afterEach(() => rm(places.directory, { recursive: true, force: true }))

function init(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return runCli(['init', ...places.options, ...args], { ...places.env, ...env })
}

describe('without a terminal', () => {
  test('nothing is asked, and without --yes nothing is done', async () => {
    const result = await init([])
    expect(result).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('say --yes') })
    expect(await treeOf(places.directory)).toEqual([])
  })

  test('--yes makes a configuration that loads, a key, and a password, for nobody else to read', async () => {
    const result = await init(['--yes', '--no-doctor', '--system', 'shop'])
    const alone = expect.stringContaining('Backups stay on this machine alone')
    expect(result, result.stderr).toMatchObject({ exitCode: 0, stderr: '', stdout: alone })
    const month = new Date().toISOString().slice(0, 7)
    expect(await treeOf(places.directory)).toEqual([
      'backups 700',
      'etc 700',
      'etc/holdfast.yaml 600',
      'etc/keys 700',
      `etc/keys/${month}.key 600`,
      'etc/keys/postgres.password 600',
    ])
    const { config } = await loadConfig({ env: places.env })
    expect(config.systems).toMatchObject({
      shop: {
        connection: {
          hosts: [{ host: '127.0.0.1', port: 5432 }],
          user: 'backup',
          password: { file: join(places.directory, 'etc/keys/postgres.password') },
        },
        repositories: ['local'],
      },
    })
    expect((await resolveKeyRing(config, {})).active).toMatchObject({ id: month, bytes: { length: 32 } })
    expect(await readFile(join(places.directory, 'etc/keys/postgres.password'), 'utf8')).toMatch(/^[A-Za-z0-9_-]{32}\n$/)
  })

  test('the doctor looks around at the end: what is not there yet is no failure of init, and no secret is printed', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const bucket = ['--bucket', 'shop-backups', '--endpoint', endpoint, ...fromVariables]
    const result = await init(['--yes', '--server', '127.0.0.1:1', ...bucket, '--json'], credentials)
    expect(result, result.stderr).toMatchObject({ exitCode: 0 })
    const { configuration, key, doctor } = JSON.parse(result.stdout) as Pick<InitReport, 'configuration' | 'key'> & Examined
    expect(configuration).toBe(places.config)
    const failed = doctor.findings.filter(({ outcome }) => outcome === 'failed').map(({ subject }) => subject)
    expect(doctor.outcome).toBe('failed')
    expect(failed).toEqual(['Temporal', 'repository primary', expect.stringMatching(/^system /)])
    const keyFinding = doctor.findings.find(({ subject }) => subject === `key ${key?.id}`)
    expect(keyFinding?.message).toContain(`fingerprint ${key?.fingerprint}`)
    const names = await readdir(join(places.directory, 'etc/keys'))
    expect(names).toHaveLength(4)
    for (const name of names) {
      const secret = (await readFile(join(places.directory, 'etc/keys', name), 'utf8')).trim()
      expect(result.stdout + result.stderr).not.toContain(secret)
    }
  })

  test('a bucket has its credentials from variables or closed files, which become files of its own', async () => {
    const file = join(places.directory, 'given.secret')
    await writeFile(file, 'from a file\n', { mode: 0o600 })
    const bucket = ['--bucket', 'shop-backups', '--region', 'eu-west-1', '--endpoint', 'https://s3.example.com']
    const from = ['--s3-access-key-id', 'env:S3_ID', '--s3-secret-access-key', `file:${file}`]
    const result = await init(['--yes', '--no-doctor', '--no-encryption', '--system', 'shop', ...bucket, ...from], credentials)
    expect(result, result.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('NOT encrypted') })
    expect(result.stdout).not.toContain('on this machine alone')
    const { config } = await loadConfig({ env: places.env })
    expect(config).toMatchObject({
      encryption: { kind: 'off' },
      repositories: {
        primary: {
          store: 's3',
          bucket: 'shop-backups',
          region: 'eu-west-1',
          endpoint: 'https://s3.example.com',
          forcePathStyle: true,
          credentials: { accessKeyId: { file: join(places.directory, 'etc/keys/s3.id') } },
        },
      },
      systems: { shop: { repositories: ['local', 'primary'] } },
    })
    expect(await readFile(join(places.directory, 'etc/keys/s3.id'), 'utf8')).toBe('an id of a variable\n')
    expect(await readFile(join(places.directory, 'etc/keys/s3.secret'), 'utf8')).toBe('from a file\n')
    expect((await treeOf(places.directory)).filter((line) => line.startsWith('etc/keys/s3'))).toEqual([
      'etc/keys/s3.id 600',
      'etc/keys/s3.secret 600',
    ])
  })
})

describe('nothing is written', () => {
  test.each([
    ['a name with a space', ['--system', 'my shop'], '--system: "my shop" is not a name'],
    ['an address that is none', ['--server', 'a b'], '--server: "a b" is not a host with its port'],
    ['a bucket no store has', ['--bucket', 'No_Bucket'], '--bucket: "No_Bucket" is not a bucket'],
    ['an endpoint with a path', ['--bucket', 'abc', '--endpoint', 'https://s3.example.com/b'], '--endpoint: "https://'],
    ['a state directory too long for sockets', ['--state-directory', `/${'x'.repeat(80)}`], '--state-directory: /xxx'],
    ['a region without a bucket', ['--region', 'eu-west-1'], '--region: is of no use but with a bucket'],
    ['credentials without a bucket', ['--s3-access-key-id', 'env:S3_ID'], 'of no use without --bucket'],
    ['half of the credentials', ['--bucket', 'abc', '--s3-access-key-id', 'env:S3_ID'], 'go together'],
    [
      'a variable that is not there',
      ['--bucket', 'abc', ...['--s3-access-key-id', 'env:NO', '--s3-secret-access-key', 'env:NO']],
      'NO is not set',
    ],
  ])('for %s', async (_, args, message) => {
    const program = buildProgram({ ...places.env, ...credentials })
    const failure = program.parseAsync(['node', 'holdfast', 'init', ...places.options, '--yes', ...args])
    await expect(failure).rejects.toMatchObject({ message: expect.stringContaining(message) })
    expect(await treeOf(places.directory)).toEqual([])
  })

  test('for a secret on the command line, which is not repeated', async () => {
    const given = ['--s3-access-key-id', 'AKIAEXAMPLE', '--s3-secret-access-key', 'hunter2hunter2']
    const result = await init(['--yes', '--bucket', 'abc', ...given])
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('never the secret itself') })
    expect(result.stderr).not.toMatch(/AKIAEXAMPLE|hunter2/)
    expect(await treeOf(places.directory)).toEqual([])
  })

  test('over a configuration that is there', async () => {
    await mkdir(join(places.directory, 'etc'), { mode: 0o700 })
    await writeFile(places.config, 'mine\n', { mode: 0o600 })
    const result = await init(['--yes', '--json'])
    expect(result.exitCode).toBe(5)
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: { code: 'ALREADY_EXISTS', message: expect.stringContaining(places.config) },
    })
    expect(await readFile(places.config, 'utf8')).toBe('mine\n')
    expect(await treeOf(places.directory)).toEqual(['etc 700', 'etc/holdfast.yaml 600'])
  })

  test('over a key or a password that is there, and what was made before it goes again', async () => {
    await mkdir(join(places.directory, 'etc/keys'), { recursive: true, mode: 0o700 })
    const password = join(places.directory, 'etc/keys/postgres.password')
    await writeFile(password, 'mine\n', { mode: 0o600 })
    const result = await init(['--yes'])
    expect(result).toMatchObject({ exitCode: 5, stderr: expect.stringContaining(`${password} is there already`) })
    expect(await readFile(password, 'utf8')).toBe('mine\n')
    expect(await treeOf(places.directory)).toEqual(['etc 700', 'etc/keys 700', 'etc/keys/postgres.password 600'])
  })

  test('where the capture repository cannot be a directory', async () => {
    await writeFile(join(places.directory, 'backups'), 'a file')
    const result = await init(['--yes'])
    expect(result).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('backups is there already') })
    expect(await treeOf(places.directory)).toEqual([expect.stringMatching(/^backups /)])
  })
})

interface Examined {
  readonly doctor: Diagnosis['document']
}

const credentials = { S3_ID: 'an id of a variable', S3_SECRET: 'a secret of a variable' }
const fromVariables = ['--s3-access-key-id', 'env:S3_ID', '--s3-secret-access-key', 'env:S3_SECRET']
