import { isAbsolute, relative } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { Connection } from './connection.js'
import type { Inventory } from './inventory.js'
import { type TarMember, tarArchive } from './tar-archive.js'

export interface ConfigurationFiles {
  /** Absent when all configuration is inside the data directory, or nothing outside could be read. */
  readonly archive?: Buffer
  readonly notes: readonly string[]
}

/**
 * Reads the configuration files outside the data directory through the server (Debian keeps them in /etc/postgresql): a base
 * backup does not hold them. Members are named by their absolute path without its first `/`.
 */
export async function readConfigurationFiles(connection: Connection, paths: Inventory['paths']): Promise<ConfigurationFiles> {
  const { dataDirectory } = paths
  if (dataDirectory === undefined)
    return { notes: ['the role may not see where configuration files are; they are not in the backup'] }
  const outside = (await listFiles(connection, paths)).filter((path) => !isWithin(dataDirectory, path))
  const members: TarMember[] = []
  const notes: string[] = []
  for (const path of outside) {
    try {
      const [row] = await connection.rows<{ content: Buffer }>('select pg_read_binary_file($1) as content', [path])
      if (row !== undefined) members.push({ path: path.slice(1), content: row.content, modifiedAt: new Date() })
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code === 'SOURCE_UNAVAILABLE') throw error
      notes.push(`${path} is not in the backup: ${error.message}`)
    }
  }
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

function isWithin(directory: string, path: string): boolean {
  const below = relative(directory, path)
  return below !== '' && !below.startsWith('..') && !isAbsolute(below)
}
