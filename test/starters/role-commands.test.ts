import { describe, expect, test } from 'vitest'
import { hostAccessLines, roleCommands } from '../../src/starters/init/role-commands.js'

describe('commands for the role', () => {
  const request = {
    role: 'backup',
    server: { host: '127.0.0.1', port: 5432 },
    passwordFile: '/etc/holdfast/keys/p',
    runBy: 'another user',
  } as const

  test.each([
    [{ host: '127.0.0.1', port: 5432 }, 'sudo -u postgres psql -p 5432 -v'],
    [{ host: 'localhost', port: 5433 }, 'sudo -u postgres psql -p 5433 -v'],
    [{ host: '/run/my sockets', port: 5432 }, "sudo -u postgres psql -h '/run/my sockets' -p 5432 -v"],
    [{ host: 'db2', port: 5433 }, 'psql -h db2 -U postgres -p 5433 -v'],
  ])('go to %j as its superuser', (server, beginning) => {
    expect(roleCommands({ ...request, server }).create.startsWith(beginning)).toBe(true)
  })

  test('become the superuser of the machine without sudo where root runs them', () => {
    expect(roleCommands({ ...request, runBy: 'root' }).create).toMatch(/^runuser -u postgres -- psql -p 5432 -v/)
  })

  test('quote what would be more than a name, for SQL and for the shell', () => {
    const { create } = roleCommands({ ...request, role: 'a"b$(c)`d`', passwordFile: "/it's" })
    expect(create).toContain(String.raw`CREATE ROLE "a""b\$(c)\`d\`" LOGIN REPLICATION PASSWORD '$(cat '/it'\''s')';`)
  })

  test.each([
    [
      '127.0.0.1',
      ['host  all          "backup"  127.0.0.1/32  scram-sha-256', 'host  replication  "backup"  127.0.0.1/32  scram-sha-256'],
    ],
    ['/run/postgresql', ['local  all          "backup"  scram-sha-256', 'local  replication  "backup"  scram-sha-256']],
    ['::1', [expect.stringContaining('::1/128'), expect.stringContaining('::1/128')]],
    ['db2', [expect.stringContaining('ADDRESS-OF-THIS-MACHINE/32'), expect.stringContaining('ADDRESS-OF-THIS-MACHINE/32')]],
  ])('come with lines of pg_hba.conf for a server at %s', (host, lines) => {
    expect(hostAccessLines('backup', { host, port: 5432 })).toEqual(lines)
  })
})
