import { createReadStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact, Captured, PostgresFacts, Tablespace } from '../../domain/manifest.js'
import type { CaptureSink } from '../engine.js'
import { type BackupManifest, parseBackupManifest, walSpan } from './backup-manifest.js'
import { takeBaseBackup } from './base-backup.js'
import type { CompressionChoice } from './base-backup-command.js'
import { capturedTablespaces } from './captured-tablespaces.js'
import { type ChosenServer, chooseServer } from './choose-server.js'
import { readConfigurationFiles } from './configuration-files.js'
import { type Connection, oneRow, withConnection } from './connection.js'
import { feedSink, storeBytes } from './feed-sink.js'
import { type Identity, readIdentity } from './identity.js'
import { inspect } from './inspect.js'
import { type Inventory, notesOnUnread } from './inventory.js'
import { lookAgain } from './look-again.js'
import type { PostgresEngineOptions } from './options.js'
import { canClientCompress, findTools, type Tools } from './tools.js'

/**
 * Takes a full backup: one artifact for the data directory, one for each tablespace, then the WAL between start and stop,
 * PostgreSQL's own manifest, an inventory, and configuration files from outside the data directory.
 * @throws HoldfastError CAPTURE_LOST, SOURCE_DENIED, SOURCE_UNAVAILABLE, SOURCE_UNSUITABLE, SPACE_SHORT, TOOL_MISSING
 */
export async function captureFull(
  options: PostgresEngineOptions,
  label: string,
  sink: CaptureSink,
  signal: AbortSignal,
): Promise<Captured> {
  const server = await chooseServer(options, signal)
  const tools = await findTools(options.binDirectories, server.major, signal)
  const stagingDirectory = join(sink.scratchDirectory, 'staging')
  await rm(stagingDirectory, { recursive: true, force: true })
  const before = await inspect(options, server.address, signal)

  return withConnection(options, { address: server.address }, signal, async (connection) => {
    const identity = await readIdentity(connection)
    const configurationBeside = await readConfigurationFiles(connection, before.paths)
    const compression = await chooseCompression(options, server, tools, connection, signal)
    const plan = { tools, address: server.address, label, stagingDirectory, compression }
    // From here on nothing the server does can take a backup back that pg_basebackup has ended well.
    const whenComplete = () => lookAgain(before, () => inspect(options, server.address, signal), signal)
    const { archives, completed } = await takeBaseBackup({ options, plan, connection, sink, whenComplete }, signal)
    const { inventory, stoppedAt } = completed
    const tablespaces = capturedTablespaces(archives, before, inventory)
    const manifest = parseBackupManifest(await readFile(join(stagingDirectory, 'backup_manifest')))
    const configuration = configurationBeside(manifest.files)
    const artifacts = [...archives, ...(await storeStagedRest(stagingDirectory, sink, signal))]
    artifacts.push(await storeBytes('inventory.json', 'inventory', Buffer.from(JSON.stringify(inventory)), sink))
    if (configuration.archive !== undefined) {
      artifacts.push(await storeBytes('configuration.tar', 'configuration', configuration.archive, sink))
    }
    return {
      artifacts,
      facts: describeFacts(identity, server, manifest, tablespaces),
      startedAt: before.takenAt,
      stoppedAt,
      tools: { pg_basebackup: tools.version },
      notes: [...notesOn(server, compression, inventory), ...completed.notes, ...configuration.notes],
    }
  })
}

async function chooseCompression(
  options: PostgresEngineOptions,
  server: ChosenServer,
  tools: Tools,
  connection: Connection,
  signal: AbortSignal,
): Promise<CompressionChoice> {
  const { where } = options.compression
  if (where === 'holdfast' || server.versionNumber < 150_000) return 'none'
  if (where === 'server') return 'server-zstd'
  if (where === 'client') return 'client-zstd'
  const { zstd } = await oneRow<{ zstd: boolean }>(
    connection,
    `select coalesce((select 'zstd' = any (enumvals) from pg_settings where name = 'wal_compression'), false) as zstd`,
  )
  if (zstd) return 'server-zstd'
  return (await canClientCompress(tools, signal)) === 'yes' ? 'client-zstd' : 'none'
}

/** What may only be read once pg_basebackup has ended well. */
async function storeStagedRest(stagingDirectory: string, sink: CaptureSink, signal: AbortSignal): Promise<Artifact[]> {
  const store = async (file: string, role: Artifact['role']) => {
    const path = join(stagingDirectory, file)
    const artifact = await feedSink(sink, file, { role, compressed: 'no', source: createReadStream(path, { signal }) })
    await rm(path)
    return artifact
  }
  return [await store('pg_wal.tar', 'wal'), await store('backup_manifest', 'backup-manifest')]
}

function describeFacts(row: Identity, server: ChosenServer, manifest: BackupManifest, tablespaces: Tablespace[]): PostgresFacts {
  const span = walSpan(manifest)
  return {
    engine: 'postgres',
    systemIdentifier: row.system_identifier,
    timeline: span.timeline,
    startLsn: span.startLsn,
    stopLsn: span.stopLsn,
    serverVersion: server.version,
    serverVersionNumber: server.versionNumber,
    segmentSizeBytes: Number(row.segment_bytes),
    dataChecksums: row.checksums === 'on',
    tablespaces,
    dataBytes: [...manifest.files.values()].reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  }
}

function notesOn(server: ChosenServer, compression: CompressionChoice, inventory: Inventory): string[] {
  return [
    ...(server.role === 'standby' ? [`captured from the standby ${server.address.label}`] : []),
    ...server.passedOver,
    ...(compression === 'server-zstd'
      ? []
      : [`compressed by ${compression === 'none' ? 'Holdfast' : 'pg_basebackup'}, not by the server`]),
    ...notesOnUnread(inventory),
  ]
}
