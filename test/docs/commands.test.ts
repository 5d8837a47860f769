import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runProgram } from '../../src/process/run-program.js'
import { currentUser, findUser } from '../../src/process/users.js'
import { scenario } from './markdown.js'
import { type OperatorMachine, startOperatorMachine } from './operator-machine.js'

const contents = `select count(*)::int as rows, md5(string_agg(content, chr(10) order by id)) as digest from sample`

describe('the commands of the pages, in their order', { timeout: 240_000 }, () => {
  let machine: OperatorMachine
  let before: unknown

  beforeAll(async () => {
    machine = await startOperatorMachine()
    await machine.postgres.fillSample(20_000)
    before = await machine.postgres.sql(contents)
  })

  afterAll(async () => {
    await endServerOfPages(machine)
    await machine.close()
  })

  test('lead from a checkout to a backup in two places, and to a restored server', async () => {
    for (const block of await scenario('first-backup')) await machine.shell.run(block)
  })

  test('bring everything back from the bucket and the key, into a server that takes the place of the lost one', async () => {
    await loseEverythingButBucketAndKey(machine)
    for (const block of await scenario('everything-gone')) await machine.shell.run(block)
    expect(await contentsOfNewServer(machine)).toEqual(before)
  })
})

/** The original, Temporal, configuration, state and local backups. A machine is made ready as a package of PostgreSQL would. */
async function loseEverythingButBucketAndKey({ directory, postgres, shell }: OperatorMachine): Promise<void> {
  await shell.stop()
  await postgres.dispose()
  const lost = ['etc', 'holdfast', 'backups', 'media/etc/holdfast.yaml', '.local', '.config']
  for (const name of lost) await rm(join(directory, name), { recursive: true, force: true })
  // The original's configuration puts its socket there.
  await mkdir(postgres.directory)
  await runProgram({ program: 'chown', args: ['postgres', postgres.directory] }, {})
}

/** At the original's address, with the original's roles and passwords. */
async function contentsOfNewServer({ postgres }: OperatorMachine): Promise<unknown> {
  const { host, port, user, password } = postgres
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    return (await client.query(contents)).rows
  } finally {
    await client.end()
  }
}

async function endServerOfPages({ directory, postgres }: OperatorMachine): Promise<void> {
  const runAs = currentUser().uid === 0 ? await findUser('postgres') : currentUser()
  const args = ['-D', join(directory, 'postgresql', 'avi5', 'data'), '-m', 'immediate', '-w', 'stop']
  // Where a command failed before, it is not there.
  await runProgram({ program: join(postgres.binDirectory, 'pg_ctl'), args, cwd: '/', runAs }, {}).catch(() => undefined)
}
