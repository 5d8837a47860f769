import { isAbsolute, relative } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { BackupManifest } from './backup-manifest.js'
import type { Connection } from './connection.js'
import type { Inventory } from './inventory.js'
import { type TarMember, tarArchive } from './tar-archive.js'

export interface ConfigurationFiles {
  /** Absent when the base backup holds all configuration, or nothing else could be read. */
  readonly archive?: Buffer
  readonly notes: readonly string[]
}

/** A configuration file as it is read through the server, or why it could not be. */
type FoundFile = { readonly path: string } & ({ readonly content: Buffer } | { readonly refusal: string })

/**
 * Reads all configuration files through the server. A base backup holds none from outside the data directory (Debian keeps them in
 * /etc/postgresql), and none that is but linked to from inside; which those were, only its manifest tells, and then the server may
 * be gone.
 * @returns what keeps those that the backup does not hold
 */
export async function readConfigurationFiles(
  connection: Connection,
  paths: Inventory['paths'],
): Promise<(files: BackupManifest['files']) => ConfigurationFiles> {
  const { dataDirectory } = paths
  if (dataDirectory === undefined)
    return () => ({ notes: ['the role may not see where configuration files are; they are not in the backup'] })
  const found: FoundFile[] = []
  for (const path of await listFiles(connection, paths)) {
    try {
      const [row] = await connection.rows<{ content: Buffer }>('select pg_read_binary_file($1) as content', [path])
      if (row !== undefined) found.push({ path, content: row.content })
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code === 'SOURCE_UNAVAILABLE') throw error
      found.push({ path, refusal: error.message })
    }
  }
  return (files) => keep(found.filter(({ path }) => !files.has(relative(dataDirectory, path))))
}

/** Members are named by their absolute path without its first `/`. */
function keep(found: readonly FoundFile[]): ConfigurationFiles {
  const members = found.flatMap((file): TarMember[] =>
    'content' in file ? [{ path: file.path.slice(1), content: file.content, modifiedAt: new Date() }] : [],
  )
  const notes = found.flatMap((file) => ('refusal' in file ? [`${file.path} is not in the backup: ${file.refusal}`] : []))
  return members.length === 0 ? { notes } : { archive: tarArchive(members), notes }
}

async function listFiles(connection: Connection, paths: Inventory['paths']): Promise<string[]> {
  const rows = await connection.rows<{ path: string }>(
    'select distinct sourcefile as path from pg_settings where sourcefile is not null',
  )
  const named = [paths.configFile, paths.hbaFile, paths.identFile, ...rows.map(({ path }) => path)]
  const absolute = named.filter((path) => path !== undefined && isAbsolute(path))
  return [...new Set(absolute)].filter((path) => path !== undefined).sort()
}
