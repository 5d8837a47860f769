import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ArtifactReader, HostRequest } from '../../src/engines/engine.js'
import { checkHost } from '../../src/engines/postgres/check-host.js'
import { choosePreload } from '../../src/engines/postgres/logical/choose-preload.js'
import { readInventory } from '../../src/engines/postgres/prepared-artifacts.js'
import { runProgram } from '../../src/process/run-program.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { postgresPrograms } from '../servers/postgres.js'

interface Original {
  readonly preload?: string
  readonly extensions?: readonly string[]
  /** Of the rules its text was sorted by. */
  readonly sortedBy?: string
}

describe('a look at the host a server is to run on', () => {
  let directory: string
  const { signal } = new AbortController()

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'host-'))
    // A server of another make, which has libraries and extensions of its own.
    for (const name of ['lib', 'share/extension', 'bin']) await mkdir(join(directory, name), { recursive: true })
    const answers = `#!/bin/sh\ncase $1 in --pkglibdir) echo ${directory}/lib ;; --sharedir) echo ${directory}/share ;; esac\n`
    await writeFile(join(directory, 'bin', 'pg_config'), answers)
    await chmod(join(directory, 'bin', 'pg_config'), 0o755)
    await writeFile(join(directory, 'lib', 'timescaledb.so'), '')
    await writeFile(join(directory, 'share', 'extension', 'timescaledb.control'), '')
  })

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true })
  })

  function requestOf(original: Original, binDirectory = join(directory, 'bin')): HostRequest {
    const { preload, extensions = [], sortedBy } = original
    const database = {
      ...{ name: 'shop', collation: 'en_US.UTF-8', tables: [], fingerprint: '', catalogWrites: '0', during: 'unchanged' },
      extensions: extensions.map((name) => ({ name, version: '1.0' })),
      ...(sortedBy === undefined ? {} : { collationVersion: sortedBy }),
    }
    const inventory = {
      ...{ version: 1, takenAt: '2026-01-10T03:00:00Z', serverVersion: '15.18', superuser: 'postgres' },
      ...{ connectDatabase: 'postgres', databases: [database], unread: [], roles: 1, tablespaces: [], paths: {} },
      settings: preload === undefined ? {} : { shared_preload_libraries: preload },
    }
    const read: ArtifactReader['read'] = ({ role }, consume) => {
      if (role !== 'inventory') throw new Error(`${role} is large, and not to be read`)
      return consume(Readable.from([JSON.stringify(inventory)]))
    }
    return { manifest: sampleManifest(), reader: { read, readCompressed: read }, binDirectory }
  }

  test.each<[string, string]>([
    ['timescaledb', ''],
    ['$libdir/timescaledb.so', ''],
    ['pg_cron, timescaledb, "auto_explain"', 'pg_cron, auto_explain'],
  ])('of the libraries %s, which a server loads at its start, it names those that are not there: %s', async (preload, absent) => {
    const looking = checkHost(requestOf({ preload }), signal)
    if (absent === '') return expect(await looking).toEqual([])
    const message = `the server loads ${absent} at its start, which this host does not have in ${directory}/lib`
    await expect(looking).rejects.toMatchObject({ code: 'TOOL_MISSING', message, hint: expect.stringContaining('install') })
  })

  test.each<[string, Original, string | undefined, string[]]>([
    ['what the original loaded', { preload: 'pg_cron, timescaledb' }, 'timescaledb', ['pg_cron']],
    ['what extensions insist on, where nobody could see that', { extensions: ['plpgsql', 'timescaledb'] }, 'timescaledb', []],
    ['nothing', { extensions: ['plpgsql'] }, undefined, []],
  ])('a server made from dumps loads %s, if it is there', async (_, original, loaded, absent) => {
    const { manifest, reader, binDirectory } = requestOf(original)
    const settings = loaded === undefined ? [] : [{ name: 'shared_preload_libraries', value: loaded }]
    const preload = await choosePreload(await readInventory(manifest, reader), binDirectory, signal)
    expect(preload).toEqual({ settings, absent })
  })

  test('extensions that are not there are told of, each once', async () => {
    const extensions = ['timescaledb', 'postgis', 'postgis']
    expect(await checkHost(requestOf({ extensions }), signal)).toEqual([
      'this host does not have the extensions postgis: what needs them will fail',
    ])
  })

  test('text that was sorted by other rules is told of, and by the same ones it is not', async () => {
    const { stdout } = await runProgram({ program: 'getconf', args: ['GNU_LIBC_VERSION'] }, {})
    const here = stdout.trim().replace('glibc ', '')
    expect(await checkHost(requestOf({ sortedBy: here }), signal)).toEqual([])
    expect(await checkHost(requestOf({ sortedBy: '153.120' }), signal)).toEqual([])
    expect(await checkHost(requestOf({ sortedBy: '2.1' }), signal)).toEqual([
      `text was sorted by glibc 2.1, and this host has ${here}: text indexes may have to be rebuilt (REINDEX)`,
    ])
  })

  test('without pg_config nothing is looked for, which is told', async () => {
    const bare = join(directory, 'share')
    expect(await checkHost(requestOf({ preload: 'pg_cron' }, bare), signal)).toEqual([
      `${bare} has no pg_config: libraries and extensions were not looked for`,
    ])
  })

  test.each([15, 18] as const)('a server of version %i has what comes with it', async (major) => {
    const original = { preload: 'libpqwalreceiver', extensions: ['plpgsql'] }
    expect(await checkHost(requestOf(original, postgresPrograms(major)), signal)).toEqual([])
  })
})
