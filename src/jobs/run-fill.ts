import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { databasesOf } from '../composition/databases-of.js'
import type { FilledDatabase } from '../engines/database-restorer.js'
import type { ReadingRecord } from './artifact-reader.js'
import type { JobContext } from './job-context.js'
import { jobDirectory } from './job-directory.js'
import { type FillSpec, jobNameOf } from './job-spec.js'
import { openBackup } from './open-backup.js'

/** Result of filling a database. */
export interface Filled extends FilledDatabase {
  readonly reading: ReadingRecord
}

/** Makes a database on a server that is there, fills it from a backup and checks it. */
export async function runFill(spec: FillSpec, { composition, stateDirectory, voice }: JobContext): Promise<Filled> {
  const { manifest, reader } = await openBackup(spec, composition, voice.signal)
  const databases = await databasesOf(composition, spec.into)
  const scratchDirectory = join(jobDirectory(stateDirectory, jobNameOf(spec)).path, 'scratch')
  await rm(scratchDirectory, { recursive: true, force: true })
  await mkdir(scratchDirectory, { mode: 0o700 })
  const { database: name, from, owners, owner, only } = spec
  const part = only === undefined ? {} : { only }
  const request = { manifest, reader, name, from, owners, owner, ...part, scratchDirectory, progress: voice.progress }
  return { ...(await databases.fill(request, voice.signal)), reading: reader.record }
}
