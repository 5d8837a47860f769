import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'

/** A file of a data directory. */
export interface DataFile {
  /** Below the data directory, with tablespaces below `pg_tblspc/<oid>`; the form PostgreSQL's manifest has. */
  readonly path: string
  readonly location: string
}

/**
 * Everything an archive extracted must be a file or a directory. A link could make us read, write or remove elsewhere, later and
 * with more rights; PostgreSQL's own backups hold none but those of tablespaces, which are left out.
 * @throws HoldfastError ARTIFACT_DAMAGED
 */
export async function refuseForeignFiles(directory: string): Promise<void> {
  for await (const _ of walk(directory, '', {})) {
    // Walking is what looks at every entry.
  }
}

/** Every file of the data directory and its tablespaces. @throws HoldfastError ARTIFACT_DAMAGED for links, devices, sockets */
export async function* walkDataDirectory(instance: Pick<Instance, 'dataDirectory' | 'tablespaces'>): AsyncGenerator<DataFile> {
  yield* walk(instance.dataDirectory, '', instance.tablespaces)
  for (const [oid, directory] of Object.entries(instance.tablespaces)) yield* walk(directory, `pg_tblspc/${oid}/`, {})
}

async function* walk(directory: string, prefix: string, tablespaces: Instance['tablespaces']): AsyncIterable<DataFile> {
  const entries = await readdir(directory, { withFileTypes: true })
  for (const entry of entries) {
    const path = `${prefix}${entry.name}`
    const location = join(directory, entry.name)
    if (entry.isDirectory()) yield* walk(location, `${path}/`, tablespaces)
    else if (entry.isFile()) yield { path, location }
    else if (!isOwnLink(path, tablespaces)) throw foreign(location)
  }
}

function isOwnLink(path: string, tablespaces: Instance['tablespaces']): boolean {
  const [parent, oid = '', ...rest] = path.split('/')
  return parent === 'pg_tblspc' && rest.length === 0 && Object.hasOwn(tablespaces, oid)
}

function foreign(location: string): HoldfastError {
  return new HoldfastError('ARTIFACT_DAMAGED', `${location} is neither a file nor a directory; a backup holds nothing else`)
}
