import { chmod, mkdtemp, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** Where a test's `init` may write. */
export interface InitPlaces {
  readonly directory: string
  readonly config: string
  /** Options that keep it there. */
  readonly options: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export async function initPlaces(): Promise<InitPlaces> {
  const directory = await mkdtemp(join(tmpdir(), 'i-'))
  // Restored servers would be below it, and run as another user.
  await chmod(directory, 0o755)
  const config = join(directory, 'etc', 'holdfast.yaml')
  return {
    directory,
    config,
    options: ['--directory', join(directory, 'backups'), '--state-directory', join(directory, 'state')],
    // Nobody listens at port 1: a doctor must not find somebody else's Temporal.
    env: { PATH: process.env.PATH ?? '', HOME: directory, HOLDFAST_CONFIG: config, TEMPORAL_ADDRESS: '127.0.0.1:1' },
  }
}

/** Every file and directory with its mode: `etc/keys 700`. */
export async function treeOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const described = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name)
    return `${relative(directory, path)} ${((await stat(path)).mode & 0o777).toString(8)}`
  })
  return (await Promise.all(described)).sort()
}
