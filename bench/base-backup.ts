import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Contender, figuresOf } from './contender.js'
import { loginArgs } from './fill-source.js'
import { measure } from './measure.js'
import type { Stage } from './stage.js'
import { storedBytes } from './stored-bytes.js'

/** PostgreSQL's own copy: compressed by the server, into a directory, neither encrypted nor sent anywhere nor synced. */
export function baseBackup(stage: Stage): Contender {
  const { source, places } = stage
  const directory = join(places.directory, 'bound')
  return {
    name: 'bound',
    async prepare() {
      await rm(directory, { recursive: true, force: true })
      await mkdir(directory)
    },
    async backUp() {
      const args = [
        ...['--pgdata', directory, '-Ft', '-X', 'stream', '--compress=server-zstd:level=1,workers=2', '--no-sync'],
        // Without it the copy begins with a checkpoint that takes minutes; every contender asks for a fast one.
        ...['--checkpoint', 'fast', ...loginArgs(source)],
      ]
      const measured = await measure(
        { program: join(source.binDirectory, 'pg_basebackup'), args, env: { PGPASSWORD: source.password } },
        { sourceDataDirectory: source.dataDirectory, signal: stage.signal },
      )
      const stored = await storedBytes(directory)
      await rm(directory, { recursive: true })
      return { ...figuresOf(measured), storedBytes: stored, sourceCpuSeconds: measured.source.cpuSeconds }
    },
  }
}
