import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPostgresEngine } from '../../src/engines/postgres/postgres-engine.js'
import type { SystemUser } from '../../src/process/command.js'
import { runProgram } from '../../src/process/run-program.js'
import { serverUser, startPostgres, type TestPostgres } from '../servers/postgres.js'
import { createArtifactFolder } from './artifact-folder.js'
import { engineOptions } from './postgres-fixture.js'

const { signal } = new AbortController()

let server: TestPostgres
let directory: string

const file = (name: string) => join(directory, name)

/** A certificate authority, and certificates it signed for the server and for the role `backup`. */
async function makeCertificates(owner: SystemUser): Promise<void> {
  const openssl = (...args: string[]) => runProgram({ program: 'openssl', args, cwd: directory }, {})
  const key = ['-newkey', 'rsa:2048', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test-ca')
  await writeFile(file('server.ext'), 'subjectAltName=IP:127.0.0.1')
  await writeFile(file('client.ext'), 'extendedKeyUsage=clientAuth')
  for (const [name, subject] of [
    ['server', '/CN=127.0.0.1'],
    ['client', '/CN=backup'],
  ] as const) {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject)
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`]
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`)
  }
  for (const name of ['server.key', 'server.pem', 'ca.pem']) await chown(file(name), owner.uid, owner.gid)
}

beforeAll(async () => {
  const owner = await serverUser()
  directory = await mkdtemp(join(tmpdir(), 'tls-'))
  await chown(directory, owner.uid, owner.gid)
  await makeCertificates(owner)
  server = await startPostgres({
    major: 15,
    settings: { ssl: 'on', ssl_cert_file: file('server.pem'), ssl_key_file: file('server.key'), ssl_ca_file: file('ca.pem') },
    hostAccess: ['hostssl all,replication backup 127.0.0.1/32 cert', 'host all,replication backup 127.0.0.1/32 reject'],
  })
  await server.sql('create role backup login replication')
})

afterAll(async () => {
  await server?.dispose()
  await rm(directory, { recursive: true, force: true })
})

function engineWith(access: Partial<Parameters<typeof createPostgresEngine>[0]>) {
  const { password: _, ...options } = engineOptions(server)
  return createPostgresEngine({ ...options, user: 'backup', ...access })
}

test('a certificate logs in for the look and for the capture, and the server’s own is verified', async () => {
  const folder = await createArtifactFolder()
  try {
    const engine = engineWith({
      sslmode: 'verify-full',
      sslRootCertificate: file('ca.pem'),
      sslClientCertificate: { certificate: file('client.pem'), key: file('client.key') },
    })
    expect((await engine.probe('full', signal)).findings.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    const { artifacts } = await engine.capture({ kind: 'full', label: 'tls' }, folder.sink, signal)
    expect(artifacts.map(({ role }) => role)).toContain('base')
  } finally {
    await folder.remove()
  }
})

test('without its certificate the role is refused', async () => {
  const engine = engineWith({ sslmode: 'verify-full', sslRootCertificate: file('ca.pem') })
  await expect(engine.probe('full', signal)).rejects.toMatchObject({ code: 'SOURCE_DENIED' })
})

test('a server whose certificate another authority signed is not spoken to', async () => {
  const other = engineWith({ sslmode: 'verify-full', sslRootCertificate: file('client.pem') })
  await expect(other.probe('full', signal)).rejects.toMatchObject({ message: expect.stringMatching(/certificate/i) })
})
