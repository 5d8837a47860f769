import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { baseBackupFailure } from '../../src/engines/postgres/base-backup-failure.js'
import { hostAccessFile } from '../../src/engines/postgres/host-access-file.js'
import { parseServerAddress } from '../../src/engines/postgres/server-address.js'
import { formatSetting, withoutSettings } from '../../src/engines/postgres/settings-file.js'
import { tarArchive } from '../../src/engines/postgres/tar-archive.js'
import { runProgram } from '../../src/process/run-program.js'

describe('pg_hba.conf of a copy', () => {
  const rules = (original: string) =>
    hostAccessFile(original)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))

  test.each([
    ['host all all 10.0.0.0/8 scram-sha-256', 'kept'],
    ['hostssl all all 10.0.0.0 255.0.0.0 md5', 'kept'],
    ['host replication repl ::1/128 reject', 'kept'],
    ['host all all samehost password', 'kept'],
    ['host all all 127.0.0.1/32 trust', 'left out'],
    ['host all all all ldap ldapserver=ldap.example', 'left out'],
    ['host all @admins 10.0.0.0/8 md5', 'left out'],
    ['hostssl all all 0.0.0.0/0 cert map=m', 'left out'],
    ['local all all peer', 'left out'],
    ['include extra.conf', 'left out'],
    ['# host all all all trust', 'left out'],
  ])('%s is %s', (line, fate) => {
    expect(rules(`${line}\n`)).toEqual(['local all all trust', ...(fate === 'kept' ? [line] : [])])
  })

  test('joins continued lines', () => {
    expect(rules('host all all \\\n10.0.0.0/8 md5')).toHaveLength(2)
  })
})

describe('settings', () => {
  test('are quoted as PostgreSQL reads them', () => {
    expect(formatSetting({ name: 'a', value: `it's \\ "x"` })).toBe(`a = 'it''s \\\\ "x"'`)
  })

  test('are taken out by name, whatever the case and with or without an equals sign', () => {
    const text = "# kept\nPort = 1\nport 2\n  port=3\nport_x = 4\nwork_mem = '5MB'"
    expect(withoutSettings(text, new Set(['port']))).toBe("# kept\nport_x = 4\nwork_mem = '5MB'")
  })
})

describe('addresses', () => {
  test.each([
    ['db1', 'db1', 5432],
    ['db1:6000', 'db1', 6000],
    ['[::1]:6000', '::1', 6000],
    ['/run/postgresql', '/run/postgresql', 5432],
    ['/run/postgresql:6000', '/run/postgresql', 6000],
  ])('%s', (text, host, port) => {
    expect(parseServerAddress(text)).toMatchObject({ host, port })
  })

  test.each(['', 'a:b', 'db1:0', 'db1:70000', '::1', 'a b'])('"%s" is refused', (text) => {
    expect(() => parseServerAddress(text)).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

test('our archives of configuration files are read by GNU tar', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tar-'))
  try {
    const long = `etc/${'d'.repeat(90)}/${'e'.repeat(40)}/postgresql.conf`
    const members = [
      { path: 'etc/a.conf', content: Buffer.from('one'), modifiedAt: new Date() },
      { path: long, content: Buffer.alloc(1024, 'x'), modifiedAt: new Date() },
    ]
    await writeFile(join(directory, 'a.tar'), tarArchive(members))
    await runProgram({ program: 'tar', args: ['-xf', 'a.tar'], cwd: directory }, {})
    for (const { path, content } of members) expect(await readFile(join(directory, path))).toEqual(content)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test.each([
  ['pg_basebackup: error: could not read COPY data: server closed the connection unexpectedly', 'CAPTURE_LOST'],
  ['pg_basebackup: error: ERROR:  requested WAL segment 000000010000000000000008 has already been removed', 'CAPTURE_LOST'],
  ['pg_basebackup: error: could not write to file "base.tar": No space left on device', 'SPACE_SHORT'],
  ['pg_basebackup: error: connection to server at "127.0.0.1", port 1 failed: Connection refused', 'SOURCE_UNAVAILABLE'],
  [
    'pg_basebackup: error: connection to server at "h" failed: FATAL:  no pg_hba.conf entry for replication connection',
    'SOURCE_DENIED',
  ],
  ['connection to server at "h" failed: FATAL:  permission denied to start WAL sender', 'SOURCE_DENIED'],
  ['FATAL:  number of requested standby connections exceeds max_wal_senders (currently 4)', 'SOURCE_UNAVAILABLE'],
  ['pg_basebackup: error: checksum error occurred', 'SOURCE_UNSUITABLE'],
  ['the standby was promoted during online backup', 'CAPTURE_LOST'],
  ['', 'CAPTURE_LOST'],
])('pg_basebackup saying "%s" means %s', (words, code) => {
  expect(baseBackupFailure(words, undefined).code).toBe(code)
})
