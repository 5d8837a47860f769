import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporalConnectionOptions } from '../../src/config/temporal-connection.js'

const temporal = { address: '10.0.0.1:7233', namespace: 'backups' }
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hf-temporal-'))
  await writeFile(join(directory, 'ca.pem'), 'CA')
  await writeFile(join(directory, 'temporal.toml'), '[profile.default]\naddress = "toml:1"\nnamespace = "toml"\n')
})

afterAll(() => rm(directory, { recursive: true }))

test('without variables the file is used', async () => {
  expect(await temporalConnectionOptions({ temporal }, {})).toEqual({
    connectionOptions: { address: '10.0.0.1:7233' },
    namespace: 'backups',
  })
})

test('variables win over the file, one by one', async () => {
  const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', HOME: directory }
  expect(await temporalConnectionOptions({ temporal }, env)).toEqual({
    connectionOptions: { address: '127.0.0.1:1' },
    namespace: 'backups',
  })
  const other = await temporalConnectionOptions({ temporal }, { TEMPORAL_NAMESPACE: 'other' })
  expect([other.connectionOptions.address, other.namespace]).toEqual(['10.0.0.1:7233', 'other'])
})

test('a profile is read only when a variable names it', async () => {
  const named = { TEMPORAL_CONFIG_FILE: join(directory, 'temporal.toml') }
  expect(await temporalConnectionOptions({ temporal }, named)).toMatchObject({
    connectionOptions: { address: 'toml:1' },
    namespace: 'toml',
  })
})

test('an API key switches TLS on, and its variable wins over the reference', async () => {
  const withKey = { temporal: { ...temporal, apiKey: { env: 'CLOUD_KEY' } } }
  const fromFile = await temporalConnectionOptions(withKey, { CLOUD_KEY: 'k' })
  expect(fromFile.connectionOptions).toMatchObject({ apiKey: 'k', tls: true })
  const fromVariable = await temporalConnectionOptions(withKey, { TEMPORAL_API_KEY: 'v' })
  expect(fromVariable.connectionOptions).toMatchObject({ apiKey: 'v', tls: true })
  await expect(temporalConnectionOptions(withKey, {})).rejects.toMatchObject({ code: 'SECRET_MISSING' })
})

test('TLS files are read, and a missing one is named', async () => {
  const tls = { caFile: join(directory, 'ca.pem'), serverName: 'temporal.internal' }
  const { connectionOptions } = await temporalConnectionOptions({ temporal: { ...temporal, tls } }, {})
  expect(connectionOptions.tls).toMatchObject({
    serverNameOverride: 'temporal.internal',
    serverRootCACertificate: new Uint8Array(Buffer.from('CA')),
  })
  const missing = { ...temporal, tls: { caFile: join(directory, 'none.pem') } }
  await expect(temporalConnectionOptions({ temporal: missing }, {})).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('none.pem'),
  })
})

test('an empty map for TLS switches it on', async () => {
  const { connectionOptions } = await temporalConnectionOptions({ temporal: { ...temporal, tls: {} } }, {})
  expect(connectionOptions.tls).toBeTruthy()
})
