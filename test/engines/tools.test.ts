import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findRestoreTools, findServerPrograms, findTools } from '../../src/engines/postgres/tools.js'

const signal = AbortSignal.timeout(60_000)
let client: string

/** As a host with the client's package alone. */
beforeAll(async () => {
  client = await mkdtemp(join(tmpdir(), 'client-'))
  const programs = (await findTools({}, '15', signal)).directory
  for (const name of ['pg_basebackup', 'pg_dump', 'pg_restore']) await symlink(join(programs, name), join(client, name))
})

afterAll(() => rm(client, { recursive: true, force: true }))

test('for a restored server the programs of the server are asked for, by name and package', async () => {
  await expect(findServerPrograms({ 15: client }, '15', signal, ['initdb'])).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: `this host lacks postgres, pg_ctl, pg_controldata, initdb of PostgreSQL 15: a restored server cannot run here (nothing in ${client})`,
    hint: expect.stringContaining('install postgresql-15 (Debian, Ubuntu)'),
  })
})

test('of programs that are there in part the others are named', async () => {
  const there = await findServerPrograms({}, '15', signal)
  await expect(findServerPrograms({ 15: there }, '15', signal, ['pg_nothing'])).rejects.toMatchObject({
    message: `${there} lacks pg_nothing: a restored server cannot run here`,
  })
})

test('for backups and dumps those of the client are enough', async () => {
  await expect(findTools({ 15: client }, '15', signal)).resolves.toMatchObject({ directory: client })
  await expect(findRestoreTools({ 15: client }, '15', signal)).resolves.toMatchObject({ directory: client })
  await expect(findRestoreTools({ 18: client }, '18', signal)).rejects.toMatchObject({
    message: expect.stringContaining(`${client}/pg_restore is of version 15`),
    hint: expect.stringContaining('postgresql-client-18'),
  })
})
