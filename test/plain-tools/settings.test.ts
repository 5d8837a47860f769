import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRestoreTarget } from '../../src/domain/recovery-target.js'
import type { Inventory } from '../../src/engines/postgres/inventory.js'
import { autoConfiguration, generatedConfiguration } from '../../src/engines/postgres/settings.js'
import { runProgram } from '../../src/process/run-program.js'
import { postgresPrograms } from '../servers/postgres.js'

/* The script and Holdfast itself each know which settings of the original a copy must not have: they have to know the same. */

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'settings-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** Every setting the server has, as if the original had set it. */
async function everySetting(major: 15 | 18): Promise<Record<string, string>> {
  const command = { program: join(postgresPrograms(major), 'postgres'), args: ['--describe-config'] }
  const { stdout } = await runProgram(command, {})
  const names = stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])
  expect(names.length).toBeGreaterThan(300)
  // Those the program keeps to itself, and those of releases before and of extensions.
  const others = ['block_size', 'data_checksums', 'wal_segment_size', 'transaction_isolation', 'promote_trigger_file']
  const extensions = ['cron.launch_active_jobs', 'timescaledb.max_background_workers', 'pg_partman_bgw.dbname', 'own.setting']
  return Object.fromEntries([...names, ...others, ...extensions].map((name) => [name, '77']))
}

async function ofScript(...args: readonly string[]): Promise<Map<string, string>> {
  const [program, script] = [resolve('.tools/python/bin/python3'), resolve('scripts/restore/server_settings.py')]
  const { stdout } = await runProgram({ program, args: ['-B', script, ...args] }, {})
  return settingsIn(stdout)
}

/** The last of a name counts. */
function settingsIn(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^([\w.]+) = '(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]))
}

const controlData = [
  ...['max_connections setting: 150', 'max_worker_processes setting: 80', 'max_wal_senders setting: 10'],
  ...['max_prepared_xacts setting: 3', 'max_locks_per_xact setting: 64', ''],
].join('\n')

test.each([15, 18] as const)('the script and Holdfast change the same settings, PostgreSQL %s', async (major) => {
  const inventory = { serverVersion: `${major}.1`, settings: await everySetting(major) }
  const [inventoryFile, controlFile] = [join(directory, 'inventory.json'), join(directory, 'control')]
  await writeFile(inventoryFile, JSON.stringify(inventory))
  await writeFile(controlFile, controlData)

  const generated = settingsIn(generatedConfiguration(inventory as unknown as Inventory))
  const original = await ofScript('original', inventoryFile)
  expect([...original.keys()].toSorted()).toEqual([...generated.keys()].toSorted())
  expect([original.has('work_mem'), original.has('archive_command')]).toEqual([true, false])

  const when = '2026-01-10T03:30:00Z'
  const place = { name: 'restored', port: 5499, directory: '/i', dataDirectory: '/i/data', socketDirectory: '/i/run' }
  const ours = settingsIn(
    autoConfiguration({
      ...{ instance: place as never, inventory: inventory as unknown as Inventory, controlData, original: '' },
      recovery: { target: parseRestoreTarget(when), timeline: 3 },
    }),
  )
  const script = await ofScript('own', inventoryFile, controlFile, '/i', '5499', 'time', '3', when)
  // They hand WAL over in different ways; `hot_standby` is on where nothing says otherwise.
  const own = ['restore_command', 'hot_standby', 'unix_socket_directories', 'hba_file', 'ident_file', 'recovery_target_time']
  const compared = (settings: Map<string, string>) =>
    Object.fromEntries([...settings].filter(([name]) => !own.includes(name)).toSorted())
  expect(compared(script)).toEqual(compared(ours))
  expect(script.get('recovery_target_time')).toBe('2026-01-10 03:30:00.000000+00')
  expect(ours.get('recovery_target_time')).toBe('2026-01-10 03:30:00.000+00')
})
