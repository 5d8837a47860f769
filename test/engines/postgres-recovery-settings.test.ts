import { describe, expect, test } from 'vitest'
import { parseRestoreTarget, type RestoreTarget } from '../../src/domain/recovery-target.js'
import type { Inventory } from '../../src/engines/postgres/inventory.js'
import {
  autoConfiguration,
  generatedConfiguration,
  withoutRecovery,
  withoutStandby,
  withoutTarget,
} from '../../src/engines/postgres/settings.js'

const controlData = [
  'max_connections setting:              150',
  'max_worker_processes setting:         8',
  'max_wal_senders setting:              10',
  'max_prepared_xacts setting:           3',
  'max_locks_per_xact setting:           64',
].join('\n')
const instance = { name: 'copy', port: 5499, directory: '/i/copy', dataDirectory: '/i/copy/data', socketDirectory: '/run/copy' }

interface Original {
  readonly target?: RestoreTarget
  readonly settings?: Readonly<Record<string, string>>
  /** Its postgresql.auto.conf. */
  readonly original?: string
}

function configurationOf({ target, settings = {}, original = '' }: Original): string {
  const inventory = { serverVersion: '15.18', settings } as unknown as Inventory
  const recovery = target === undefined ? {} : { recovery: { target, timeline: 3 } }
  return autoConfiguration({ instance: instance as never, inventory, controlData, original, ...recovery })
}

/** The last of a name counts. */
function settingOf(configuration: string, name: string): string | undefined {
  return [...configuration.matchAll(new RegExp(`^${name} = '(.*)'$`, 'gm'))].at(-1)?.[1]
}

const targetNames = ['', '_name', '_time', '_xid', '_lsn'].map((suffix) => `recovery_target${suffix}`)

describe('the settings of a recovery', () => {
  test.each([
    ['2026-01-10T03:29:59.998213Z', 'recovery_target_time', '2026-01-10 03:29:59.998213+00', 'on'],
    ['lsn:16/B374D848', 'recovery_target_lsn', '16/B374D848', 'off'],
    ['xid:4711', 'recovery_target_xid', '4711', 'on'],
    ['name:before the upgrade', 'recovery_target_name', 'before the upgrade', 'on'],
    ['latest', undefined, undefined, 'on'],
  ])('to %s have one target, its timeline by number, and a promotion at its end', (text, name, value, inclusive) => {
    const configuration = configurationOf({ target: parseRestoreTarget(text) })
    const set = targetNames.filter((each) => settingOf(configuration, each) !== '')
    expect(set).toEqual(name === undefined ? [] : [name])
    if (name !== undefined) {
      expect(settingOf(configuration, name)).toBe(value)
      // PostgreSQL takes even an empty target for a second one when another was set before it.
      const lines = configuration.split('\n').filter((line) => targetNames.some((each) => line.startsWith(`${each} =`)))
      expect(lines.at(-1)).toBe(`${name} = '${value}'`)
    }
    expect(settingOf(configuration, 'recovery_target_timeline')).toBe('3')
    expect(settingOf(configuration, 'recovery_target_inclusive')).toBe(inclusive)
    expect(settingOf(configuration, 'recovery_target_action')).toBe('promote')
  })

  test('to the end of a backup ask nobody for WAL', () => {
    const configuration = configurationOf({})
    expect(settingOf(configuration, 'restore_command')).toBe('/bin/false')
    expect(settingOf(configuration, 'recovery_target')).toBe('immediate')
  })

  test('allow what the WAL was written with, by the control file or by the settings, whichever is more', () => {
    const settings = { max_connections: '100', max_worker_processes: '32', max_prepared_transactions: '1' }
    const configuration = configurationOf({ settings, original: "max_connections = '20'\nwork_mem = '64MB'\n" })
    const minimums = { max_connections: '150', max_worker_processes: '32', max_wal_senders: '10' }
    for (const [name, value] of Object.entries({
      ...minimums,
      max_prepared_transactions: '3',
      max_locks_per_transaction: '64',
    })) {
      expect(settingOf(configuration, name), name).toBe(value)
    }
    expect(configuration).not.toContain("'20'")
    expect(settingOf(configuration, 'work_mem')).toBe('64MB')
  })

  test('hold nothing of an earlier recovery, nor of the archive, the standbys and the network of the original', () => {
    const original = [
      `recovery_target_time = '2020-01-01 00:00:00+00'`,
      `recovery_target_timeline = 'latest'`,
      `restore_command = 'cp /archive/%f %p'`,
      `recovery_target_action = 'shutdown'`,
      `recovery_min_apply_delay = '1h'`,
      `archive_mode = 'on'`,
      `archive_command = 'ship %p'`,
      `primary_conninfo = 'host=db1'`,
      `synchronous_standby_names = 'b'`,
      `listen_addresses = '*'`,
    ].join('\n')
    const configuration = configurationOf({ original, target: { kind: 'latest' } })
    for (const foreign of ['2020', '/archive/', 'shutdown', "'1h'", 'ship', 'db1', "'b'", "'*'", "'latest'"])
      expect(configuration).not.toContain(foreign)
    expect(settingOf(configuration, 'archive_mode')).toBe('off')
    expect(settingOf(configuration, 'recovery_min_apply_delay')).toBe('0')
  })

  test('are gone after the promotion, and what the original had stays', () => {
    const configuration = configurationOf({ target: parseRestoreTarget('lsn:0/3000000'), original: "work_mem = '64MB'\n" })
    const after = withoutRecovery(configuration)
    expect(after).not.toMatch(/recovery_target|restore_command|hot_standby|recovery_min/)
    expect(settingOf(after, 'work_mem')).toBe('64MB')
    expect(settingOf(after, 'archive_mode')).toBe('off')
  })

  test('without a target lead to the end of the WAL along the same timeline', () => {
    const configuration = withoutTarget(configurationOf({ target: parseRestoreTarget('lsn:0/3000000') }))
    expect(targetNames.map((name) => settingOf(configuration, name))).toEqual(targetNames.map(() => undefined))
    expect(settingOf(configuration, 'recovery_target_timeline')).toBe('3')
    expect(settingOf(configuration, 'restore_command')).toContain('/i/copy/wal/fetch')
  })

  test('without a standby let nobody in', () => {
    const configuration = withoutStandby(withoutStandby(configurationOf({ target: { kind: 'latest' } })))
    expect(configuration.match(/^hot_standby = .*$/gm)).toEqual(["hot_standby = 'off'"])
  })

  test('of an original whose files were elsewhere are made from what it had set, without what is its own', () => {
    const settings = {
      work_mem: '64MB',
      data_directory: '/var/lib/x',
      port: '5432',
      data_checksums: 'on',
      archive_command: 'ship',
    }
    const configuration = generatedConfiguration({ settings } as unknown as Inventory)
    expect(configuration.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([`work_mem = '64MB'`])
  })
})
