import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.js'
import { type InitPlaces, initPlaces, treeOf } from './init-places.js'
import { startInTerminal } from './terminal-process.js'

let places: InitPlaces

beforeEach(async () => {
  places = await initPlaces()
})

afterEach(() => rm(places.directory, { recursive: true, force: true }))

test('each answer is checked as the configuration would be, asked again with the reason, and secrets are not shown', async () => {
  const terminal = startInTerminal(['init', '--no-doctor', ...places.options], places.env)
  const answers = [
    ['Name of the system', 'my shop'],
    ['"my shop" is not a name for this; write 1 to 63 of a-z', undefined],
    ['Name of the system', 'shop'],
    ['PostgreSQL server [127.0.0.1:5432]', 'db1:port'],
    ['"db1:port" is not a host with its port', undefined],
    ['PostgreSQL server', 'db1:5433'],
    ['Role that copies it [backup]', ''],
    ['Encrypt backups [yes]', 'perhaps'],
    ['answer yes or no', undefined],
    ['Encrypt backups', 'Y'],
    ['S3 bucket', 'UPPER'],
    ['is not a bucket', undefined],
    ['S3 bucket', 'shop-backups'],
    ['Its region [us-east-1]', 'eu-west-1'],
    ['Its endpoint', 'https://s3.example.com'],
    ['in the path [yes]', 'no'],
    ['Its access key id', 'THE-ACCESS-KEY'],
    ['Its secret access key', ''],
    ['Its secret access key', 'the-secret-itself'],
  ] as const
  for (const [question, answer] of answers) {
    await terminal.says(question)
    if (answer !== undefined) terminal.type(answer)
  }
  const { exitCode, screen } = await terminal.ended
  expect(exitCode, screen).toBe(0)
  expect(screen).not.toMatch(/THE-ACCESS-KEY|the-secret-itself/)
  // Given as an option, so not asked for.
  expect(screen).not.toContain('Directory for backups')
  const { config } = await loadConfig({ env: places.env })
  expect(config.systems).toMatchObject({ shop: { connection: { hosts: [{ host: 'db1', port: 5433 }], user: 'backup' } } })
  expect(config.encryption.kind).toBe('keys')
  expect(config.repositories).toMatchObject({
    primary: { bucket: 'shop-backups', region: 'eu-west-1', endpoint: 'https://s3.example.com', forcePathStyle: false },
  })
  expect(await readFile(join(places.directory, 'etc/keys/s3.secret'), 'utf8')).toBe('the-secret-itself\n')
})

test('lines that were typed ahead answer the questions that come', async () => {
  const given = ['--system', 'shop', '--server', '127.0.0.1:1', '--role', 'copier']
  const terminal = startInTerminal(['init', '--no-doctor', ...given, ...places.options], places.env)
  await terminal.says('Encrypt backups')
  terminal.type('no\rshop-backups\r\r\r')
  await terminal.says('Its access key id')
  terminal.type('')
  expect(await terminal.ended).toMatchObject({ exitCode: 0 })
  expect((await loadConfig({ env: places.env })).config).toMatchObject({
    encryption: { kind: 'off' },
    repositories: { primary: { bucket: 'shop-backups', region: 'us-east-1' } },
  })
})

test.each([
  ['Ctrl-C at a question', 'c', 'Role that copies it'],
  ['Ctrl-D at a question', 'd', 'Role that copies it'],
  ['Ctrl-C at the last secret', 'c', 'Its secret access key'],
] as const)('%s writes nothing', async (_, key, last) => {
  const terminal = startInTerminal(['init', '--bucket', 'shop-backups', ...places.options], places.env)
  const questions = [
    'Name of the system',
    'PostgreSQL server',
    'Role that copies it',
    'Encrypt',
    'region',
    'endpoint',
    'access key id',
  ]
  for (const question of questions) {
    await terminal.says(question)
    if (question === last) break
    terminal.type(question === 'access key id' ? 'AN-ID' : '')
  }
  await terminal.says(last === 'Role that copies it' ? '[backup]' : last)
  terminal.press(key)
  const { exitCode, screen } = await terminal.ended
  expect(exitCode).toBe(11)
  expect(screen).toContain('holdfast: nothing was written')
  expect(await treeOf(places.directory)).toEqual([])
})

test('Ctrl-C right behind the last answer writes nothing', async () => {
  const given = ['--system', 'shop', '--server', '127.0.0.1:1', '--role', 'copier', '--no-encryption']
  const terminal = startInTerminal(['init', '--no-doctor', ...given, ...places.options], places.env)
  await terminal.says('S3 bucket')
  terminal.type('\r\x03')
  expect(await terminal.ended).toMatchObject({ exitCode: 11 })
  expect(await treeOf(places.directory)).toEqual([])
})
