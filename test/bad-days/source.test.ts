import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../servers/free-port.js'
import { postgresPrograms } from '../servers/postgres.js'
import { leftSince, remainsOf } from '../stand/remains.js'
import { type Stand, startStand } from '../stand/stand.js'
import { startWorkerProcess, type WorkerProcess } from '../stand/worker-process.js'
import { changedConfig } from './changed-config.js'
import { expectRefusal } from './refusal.js'
import { withWorker } from './with-worker.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

type Environment = Readonly<Record<string, string>>

describe('a source', () => {
  let stand: Stand
  let before: readonly string[]
  let downPort: number

  beforeAll(async () => {
    // A server that is down is asked for five times as long, in each of three attempts: here twice, the third would come too late.
    const timeouts = { light: '4s', retryInterval: '7s', retryMaximumInterval: '14s' }
    stand = await startStand({ postgresMajor: 18, timeouts })
    await stand.postgres.sql(`create role weak login password 'weak-password'`)
    downPort = await freePort()
    before = await remainsOf(stand)
  })

  afterAll(() => stand?.close())

  describe('that lets nobody in', () => {
    let env: Environment
    let worker: WorkerProcess

    beforeAll(async () => {
      const config = await changedConfig(stand, 'connections', ({ systems }) => {
        const { shop } = systems
        if (shop === undefined) throw new Error('the stand has a system shop')
        const connecting = (connection: object) => ({ ...shop, connection: { ...shop.connection, ...connection } })
        systems.mistyped = connecting({ password: { env: 'STAND_WRONG' } })
        systems.weak = connecting({ user: 'weak', password: { env: 'STAND_WEAK' } })
        systems.down = connecting({ hosts: [`127.0.0.1:${downPort}`] })
        systems.secretless = connecting({ password: { env: 'STAND_UNSET' } })
      })
      env = { ...config, STAND_WRONG: 'not-its-password', STAND_WEAK: 'weak-password' }
      worker = await startWorkerProcess(env, join(stand.directory, 'worker.log'))
    })

    afterAll(async () => {
      await worker?.stop()
      expect(await leftSince(stand, before)).toEqual([])
    })

    test.concurrent('with a wrong password denies the backup', () =>
      expectRefusal(env, ['backup', 'mistyped'], {
        code: 'SOURCE_DENIED',
        message: /PostgreSQL at 127\.0\.0\.1:\d+: password authentication failed for user "postgres"/,
        hint: /check the password/,
      }))

    test.concurrent('to a role without the privilege tells the statement that grants it', () =>
      expectRefusal(env, ['backup', 'weak'], {
        code: 'SOURCE_UNSUITABLE',
        message: /system weak: replication privilege: /,
        hint: /alter role "weak" replication/,
      }))

    test.concurrent('because it is down is named with its port, once it was asked for a while', () =>
      expectRefusal(env, ['backup', 'down'], {
        code: 'SOURCE_UNAVAILABLE',
        message: new RegExp(`PostgreSQL at 127\\.0\\.0\\.1:${downPort}: connect ECONNREFUSED`),
        hint: /check that the server runs/,
      }))

    test.concurrent('because the worker lacks the secret names its variable', () =>
      expectRefusal(env, ['backup', 'secretless'], {
        code: 'SECRET_MISSING',
        message: /STAND_UNSET is not set/,
        hint: /set STAND_UNSET in the environment/,
      }))
  })

  test('newer than the tools is refused with what was found and what to install', async () => {
    const env = await changedConfig(stand, 'older-tools', ({ tools }) => {
      tools.postgres = { 18: postgresPrograms(15) }
    })
    await withWorker(stand, env, () =>
      expectRefusal(env, ['backup', 'shop'], {
        code: 'TOOL_MISSING',
        message: /lacks pg_basebackup of PostgreSQL 18: .*postgresql\/15\/bin\/pg_basebackup is of version 15\./,
        hint: /install postgresql-client-18/,
      }),
    )
    expect(await leftSince(stand, before)).toEqual([])
  })

  test('whose tools are nowhere is refused with where they were looked for', async () => {
    const nowhere = join(stand.directory, 'no-tools')
    await mkdir(nowhere)
    const env = await changedConfig(stand, 'no-tools', ({ tools }) => {
      tools.postgres = { 18: nowhere }
    })
    await withWorker(stand, env, () =>
      expectRefusal(env, ['backup', 'shop'], {
        code: 'TOOL_MISSING',
        message: new RegExp(
          `lacks pg_basebackup of PostgreSQL 18: the server cannot be copied from here \\(nothing in ${nowhere}\\)`,
        ),
        hint: /install postgresql-client-18/,
      }),
    )
    expect(await leftSince(stand, before)).toEqual([])
  })
})
