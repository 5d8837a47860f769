import { join } from 'node:path'
import type { Command } from '../../process/command.js'
import { keepalives, libpqEnvironment } from './libpq-environment.js'
import type { PostgresEngineOptions } from './options.js'
import type { ServerAddress } from './server-address.js'
import type { Tools } from './tools.js'

/** One capture, decided. */
export interface BaseBackupPlan {
  readonly tools: Tools
  readonly address: ServerAddress
  readonly label: string
  readonly stagingDirectory: string
  readonly compression: CompressionChoice
}

/** `none`: archives arrive plain and the sink compresses them. */
export type CompressionChoice = 'server-zstd' | 'client-zstd' | 'none'

/** pg_basebackup into a directory of tar archives. The WAL comes over a second connection, so none can be recycled meanwhile. */
export function baseBackupCommand(options: PostgresEngineOptions, plan: BaseBackupPlan): Command {
  const { address } = plan
  return {
    program: join(plan.tools.directory, 'pg_basebackup'),
    args: [
      '--pgdata', plan.stagingDirectory,
      '--format', 'tar',
      '--wal-method', 'stream',
      '--checkpoint', 'fast',
      '--label', plan.label,
      '--no-password',
      // The artifacts are synced, not these.
      '--no-sync',
      ...compressionArgs(plan.compression, options.compression.level),
      ...rateArgs(options.maxRateBytesPerSecond),
      '--dbname', keepalives,
      '--host', address.host,
      '--port', String(address.port),
      '--username', options.user,
    ], // biome-ignore format: an option and its value stay on one line
    env: libpqEnvironment(options, applicationName(plan.label)),
    ...(options.password === undefined ? {} : { secrets: [options.password] }),
  }
}

/** How the backup is called in pg_stat_activity: at most 63 bytes, ASCII. */
export function applicationName(label: string): string {
  return `holdfast ${label}`.replace(/[^ -~]/g, '?').slice(0, 63)
}

function compressionArgs(choice: CompressionChoice, level: number): string[] {
  if (choice === 'none') return []
  return ['--compress', `${choice}:level=${level},workers=2`]
}

/** pg_basebackup takes 32 kB/s to 1 GB/s. */
function rateArgs(bytesPerSecond: number | undefined): string[] {
  if (bytesPerSecond === undefined) return []
  const kilobytes = Math.min(1024 * 1024, Math.max(32, Math.round(bytesPerSecond / 1024)))
  return ['--max-rate', String(kilobytes)]
}
