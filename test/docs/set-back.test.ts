import { copyFile, cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProgram } from '../../src/process/run-program.js'
import { serverUser, startPostgres } from '../servers/postgres.js'
import { createDocShell, type Replacements } from './doc-shell.js'
import { blocksOf } from './markdown.js'

test('a server that was set back to before a promotion gets a timeline above that with the commands of the page', {
  timeout: 60_000,
}, async () => {
  const postgres = await startPostgres({ major: 15 })
  const directory = await mkdtemp(join(tmpdir(), 'set-back-'))
  const { dataDirectory: data, binDirectory: bin } = postgres
  const runAs = await serverUser()
  try {
    await postgres.stop()
    await cp(data, `${data}.before`, { recursive: true, preserveTimestamps: true })
    await runProgram({ program: 'chown', args: ['-R', '--reference', data, `${data}.before`] }, {})
    await runProgram({ program: 'touch', args: [join(data, 'standby.signal')], runAs }, {})
    await postgres.start()
    await runProgram({ program: join(bin, 'pg_ctl'), args: ['-D', data, '-s', '-w', 'promote'], cwd: '/', runAs }, {})
    await copyFile(join(data, 'pg_wal', '00000002.history'), join(directory, '00000002.history'))
    await postgres.stop()
    await rm(data, { recursive: true })
    await rename(`${data}.before`, data)
    await postgres.start()
    await postgres.sql('create table kept as select 1 as number')
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      PGHOST: '127.0.0.1',
      PGPORT: `${postgres.port}`,
      PGPASSWORD: postgres.password,
    }
    const shell = createDocShell({ directory, replacements: replacementsFor(data, bin), env })
    const block = (await blocksOf('docs/operations.md')).find(({ marks }) => marks.test === 'set-back')
    if (block === undefined) throw new Error('the page has no such commands')
    expect(await shell.run(block)).toMatch(/^00000003[0-9A-F]{16}$/m)
    await postgres.stop()
    await postgres.start()
    expect(await postgres.sql('select number, pg_is_in_recovery() as recovers from kept')).toEqual([
      { number: 1, recovers: false },
    ])
    expect(await readFile(join(data, 'pg_wal', '00000003.history'), 'utf8')).toMatch(/^1\t/)
  } finally {
    await postgres.dispose()
    await rm(directory, { recursive: true, force: true })
  }
})

/** Who is not root is the server's user already. */
function replacementsFor(data: string, bin: string): Replacements {
  const asUser = [
    ['runuser -u postgres -- ', ''],
    ['install -o postgres -g postgres', 'install'],
  ] as const
  return [
    ['/var/lib/postgresql/avi5/data', data],
    ['/usr/lib/postgresql/15/bin', bin],
    ...(process.getuid?.() === 0 ? [] : asUser),
  ]
}
