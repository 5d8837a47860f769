import type { Instance } from '../../domain/instance.js'
import type { Recovery } from '../../domain/plan-recovery.js'
import type { RestoreTarget } from '../../domain/recovery-target.js'
import { instanceFiles } from './instance-files.js'
import type { Inventory } from './inventory.js'
import { type Assignment, formatSetting, withoutSettings } from './settings-file.js'
import { fetchCommand, walDelivery } from './wal-delivery.js'

/** Recovery refuses to run with less of these than the original had. By the label pg_controldata gives them. */
const recoveryMinimums: Readonly<Record<string, string>> = {
  max_connections: 'max_connections setting',
  max_worker_processes: 'max_worker_processes setting',
  max_wal_senders: 'max_wal_senders setting',
  max_prepared_transactions: 'max_prepared_xacts setting',
  max_locks_per_transaction: 'max_locks_per_xact setting',
}

/** What belongs to the original machine, its network, its archive and its replication, and never to a copy. */
const foreignSettings = new Set([
  ...['archive_mode', 'archive_command', 'archive_library', 'archive_cleanup_command', 'archive_timeout', 'recovery_end_command'],
  ...['restore_command', 'primary_conninfo', 'primary_slot_name', 'promote_trigger_file', 'synchronous_standby_names'],
  ...['recovery_target', 'recovery_target_name', 'recovery_target_time', 'recovery_target_xid', 'recovery_target_lsn'],
  ...['recovery_target_inclusive', 'recovery_target_timeline', 'recovery_target_action', 'recovery_min_apply_delay'],
  ...['listen_addresses', 'port', 'unix_socket_directories', 'unix_socket_group', 'unix_socket_permissions', 'cluster_name'],
  ...['data_directory', 'config_file', 'hba_file', 'ident_file', 'external_pid_file', 'bonjour', 'krb_server_keyfile'],
  ...['ssl', 'ssl_ca_file', 'ssl_cert_file', 'ssl_crl_dir', 'ssl_crl_file', 'ssl_dh_params_file', 'ssl_key_file'],
  ...['ssl_passphrase_command', 'logging_collector', 'log_destination', 'log_directory', 'log_filename', 'stats_temp_directory'],
  ...['temp_tablespaces', 'huge_pages', 'synchronized_standby_slots', 'max_logical_replication_workers'],
])

/** Set by the cluster itself or computed; writing them into a file is an error or means nothing. */
const internalSettings = new Set(['block_size', 'data_checksums', 'wal_segment_size', 'transaction_isolation'])

interface RecoveryConfiguration {
  readonly instance: Instance
  readonly inventory: Inventory
  /** Output of pg_controldata. */
  readonly controlData: string
  /** `postgresql.auto.conf` as it was in the backup. */
  readonly original: string
  /** Where to recover to; the end of the backup itself where left out. */
  readonly recovery?: Pick<Recovery, 'target' | 'timeline'>
}

/**
 * The `postgresql.auto.conf` of a restored server: the original's own, cleaned, then ours. It is read last and wins over
 * postgresql.conf, whatever that says. The promotion begins a new timeline.
 */
export function autoConfiguration(configuration: RecoveryConfiguration): string {
  const { instance, recovery } = configuration
  const minimums = requiredMinimums(configuration.controlData, configuration.inventory.settings)
  const names = new Set([...foreignSettings, ...minimums.map(({ name }) => name)])
  const kept = withoutSettings(configuration.original, names).trimEnd()
  const ours = [
    ...ownSettings(instance, majorNumber(configuration.inventory.serverVersion)),
    ...minimums,
    ...recoverySettings(recovery === undefined ? endOfBackup : fromArchive(recovery, fetchCommand(walDelivery(instance)))),
  ]
  return [kept, '# Written by Holdfast for a restored server.', ...ours.map(formatSetting), ''].join('\n')
}

/** A postgresql.conf from what the original had set, for originals whose file was not in the data directory. */
export function generatedConfiguration(inventory: Inventory): string {
  const names = Object.keys(inventory.settings).filter((name) => !foreignSettings.has(name) && !internalSettings.has(name))
  const lines = names.map((name) => formatSetting({ name, value: inventory.settings[name] ?? '' }))
  return ['# Written by Holdfast from the settings of the original.', ...lines, ''].join('\n')
}

/** What `initdb` has written stays; the original's own settings may mean nothing to another version. */
export function newServerConfiguration(instance: Instance, major: number, loaded: readonly Assignment[]): string {
  const ours = [...ownSettings(instance, major), ...loaded]
  return ['# Written by Holdfast for a restored server.', ...ours.map(formatSetting), ''].join('\n')
}

function majorNumber(version: string): number {
  return Number.parseInt(version, 10)
}

function ownSettings(instance: Instance, major: number): Assignment[] {
  const files = instanceFiles(instance)
  return Object.entries({
    cluster_name: instance.name,
    listen_addresses: '127.0.0.1',
    port: String(instance.port),
    unix_socket_directories: instance.socketDirectory,
    unix_socket_group: '',
    unix_socket_permissions: '0700',
    hba_file: files.hostAccess,
    ident_file: files.userMaps,
    external_pid_file: '',
    // The certificate, if there was one, is the original's.
    ssl: 'off',
    huge_pages: 'try',
    logging_collector: 'off',
    log_destination: 'stderr',
    archive_mode: 'off',
    archive_command: '',
    ...(major >= 15 ? { archive_library: '' } : {}),
    archive_cleanup_command: '',
    recovery_end_command: '',
    primary_conninfo: '',
    primary_slot_name: '',
    // Commits would wait for standbys that do not know this server.
    synchronous_standby_names: '',
    ...(major >= 17 ? { synchronized_standby_slots: '' } : {}),
    // Subscriptions of the original would go on from here, with the original's slots.
    max_logical_replication_workers: '0',
    temp_tablespaces: '',
    ...quietExtensions,
  }).map(([name, value]) => ({ name, value }))
}

/**
 * Extensions that run jobs by the clock: a copy would send mails and drop expired partitions on its own. Each is told by its own
 * setting; a server that has not loaded an extension takes its settings for placeholders and ignores them.
 */
const quietExtensions = {
  'cron.launch_active_jobs': 'off',
  'timescaledb.max_background_workers': '0',
  'pg_partman_bgw.dbname': '',
}

/** What only recovery reads, beside its target. */
interface RecoveryGoal {
  readonly restore_command: string
  readonly recovery_target_timeline: string
  /** Absent: to the end of the WAL. */
  readonly target?: Assignment
  readonly recovery_target_inclusive: 'on' | 'off'
}

/** All WAL that is needed is in pg_wal: a file asked for elsewhere is not there, which is what status 1 says. */
const endOfBackup: RecoveryGoal = {
  restore_command: '/bin/false',
  recovery_target_timeline: 'current',
  target: { name: 'recovery_target', value: 'immediate' },
  recovery_target_inclusive: 'on',
}

/**
 * Everything committed up to and including the target. For a position, that is all records that begin before it: what the server
 * tells as its position is where the next record will begin, and PostgreSQL's "inclusive" would replay that one, too.
 */
function fromArchive({ target, timeline }: Pick<Recovery, 'target' | 'timeline'>, restoreCommand: string): RecoveryGoal {
  const assignment = targetAssignment(target)
  return {
    restore_command: restoreCommand,
    recovery_target_timeline: String(timeline),
    ...(assignment === undefined ? {} : { target: assignment }),
    recovery_target_inclusive: target.kind === 'lsn' ? 'off' : 'on',
  }
}

function targetAssignment(target: RestoreTarget): Assignment | undefined {
  switch (target.kind) {
    case 'latest':
      return undefined
    case 'backup':
      return { name: 'recovery_target', value: 'immediate' }
    case 'time':
      // Abbreviations of zones, be it `Z`, are not known yet when this setting is read.
      return { name: 'recovery_target_time', value: target.time.replace('T', ' ').replace('Z', '+00') }
    case 'lsn':
      return { name: 'recovery_target_lsn', value: target.lsn }
    case 'xid':
      return { name: 'recovery_target_xid', value: target.xid }
    case 'name':
      return { name: 'recovery_target_name', value: target.name }
  }
}

const targetNames = [
  'recovery_target',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_xid',
  'recovery_target_lsn',
]

/**
 * Cleared again when the server has been promoted. The order matters: PostgreSQL takes even an empty target for a second one when
 * another was set before it.
 */
function recoverySettings({ target, ...goal }: RecoveryGoal): Assignment[] {
  const others = targetNames.filter((name) => name !== target?.name).map((name) => ({ name, value: '' }))
  return [
    ...others,
    ...(target === undefined ? [] : [target]),
    ...Object.entries({ ...goal, recovery_target_action: 'promote', recovery_min_apply_delay: '0', hot_standby: 'on' }).map(
      ([name, value]) => ({ name, value }),
    ),
  ]
}

/** `postgresql.auto.conf` of a server that has recovered. */
export function withoutRecovery(autoConfiguration: string): string {
  return withoutSettings(autoConfiguration, new Set(recoverySettings(endOfBackup).map(({ name }) => name)))
}

/** The same recovery, to the end of the WAL. */
export function withoutTarget(autoConfiguration: string): string {
  return withoutSettings(autoConfiguration, new Set(targetNames))
}

/** Nobody is let in before the end: then recovery does not mind that the original had more connections than this server at its start. */
export function withoutStandby(autoConfiguration: string): string {
  const rest = withoutSettings(autoConfiguration, new Set(['hot_standby'])).trimEnd()
  return `${rest}\n${formatSetting({ name: 'hot_standby', value: 'off' })}\n`
}

function requiredMinimums(controlData: string, settings: Readonly<Record<string, string>>): Assignment[] {
  return Object.entries(recoveryMinimums).map(([name, label]) => {
    const recorded = Number(new RegExp(`^${label}:\\s+(\\d+)`, 'm').exec(controlData)?.[1] ?? 0)
    return { name, value: String(Math.max(recorded, Number(settings[name] ?? 0))) }
  })
}
