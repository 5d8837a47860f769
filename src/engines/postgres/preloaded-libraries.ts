import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import { runProgram } from '../../process/run-program.js'
import type { Inventory } from './inventory.js'

/** Where the files of one installation of PostgreSQL are. */
export interface InstallationDirectories {
  readonly libraries: string
  readonly share: string
}

/** Undefined without pg_config. */
export async function installationDirectories(
  binDirectory: string,
  signal: AbortSignal,
): Promise<InstallationDirectories | undefined> {
  const ask = async (what: string) =>
    (await runProgram({ program: join(binDirectory, 'pg_config'), args: [what], cwd: '/' }, { signal })).stdout.trim()
  try {
    return { libraries: await ask('--pkglibdir'), share: await ask('--sharedir') }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof HoldfastError && error.code === 'TOOL_MISSING') return undefined
    throw error
  }
}

/** What the original loads at its start, a list as postgresql.conf has it: names with commas between, in double quotes where need be. */
export function preloadedLibraries({ settings }: Inventory): string[] {
  const names = (settings.shared_preload_libraries ?? '').split(',').map((name) => name.trim().replaceAll('"', ''))
  return names.filter((name) => name !== '')
}

export function missingLibraries(names: readonly string[], { libraries }: InstallationDirectories): Promise<string[]> {
  return missingFiles(names, (name) => libraryPath(name, libraries))
}

export async function missingFiles(names: readonly string[], pathOf: (name: string) => string): Promise<string[]> {
  const there = await Promise.all(names.map((name) => exists(pathOf(name))))
  return names.filter((_, index) => there[index] !== true)
}

function libraryPath(name: string, directory: string): string {
  const path = name.replace('$libdir', directory)
  const file = path.startsWith('/') ? path : join(directory, path)
  return file.endsWith('.so') ? file : `${file}.so`
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
