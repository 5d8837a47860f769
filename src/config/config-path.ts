import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import type { HostFacts } from './host-facts.js'

export interface ConfigPathOptions {
  /** `--config`; relative to the current directory. */
  readonly path?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly facts: Pick<HostFacts, 'currentDirectory' | 'userId'>
}

const systemWide = '/etc/holdfast/holdfast.yaml'

/**
 * The file there is: `--config`, HOLDFAST_CONFIG, `./holdfast.yaml`, `/etc/holdfast/holdfast.yaml`. One that is named is not looked
 * for. @returns absolute. @throws CONFIG_INVALID where nothing is named and nothing is there
 */
export async function findConfigPath(options: ConfigPathOptions): Promise<string> {
  const named = namedPath(options)
  if (named !== undefined) return named
  const candidates = candidatesOf(options)
  for (const candidate of candidates) {
    if (await isThere(candidate)) return candidate
  }
  throw new HoldfastError('CONFIG_INVALID', `there is no configuration at ${candidates.join(' or ')}`, {
    hint: 'make one with `holdfast init`, or name it with --config or HOLDFAST_CONFIG',
  })
}

/**
 * Where a new file goes so that the other verbs find it: the one that is named, else for root `/etc/holdfast`, for others the current
 * directory. @returns absolute. @throws ALREADY_EXISTS also for a file that would be found before the new one, or has been so far
 */
export async function newConfigPath(options: ConfigPathOptions): Promise<string> {
  const named = namedPath(options)
  for (const candidate of named === undefined ? candidatesOf(options) : [named]) {
    if (await isThere(candidate)) throw exists(candidate)
  }
  return named ?? (options.facts.userId === 0 ? systemWide : resolve(options.facts.currentDirectory, 'holdfast.yaml'))
}

function namedPath({ path, env, facts }: ConfigPathOptions): string | undefined {
  const named = path ?? (env.HOLDFAST_CONFIG || undefined)
  return named === undefined ? undefined : resolve(facts.currentDirectory, named)
}

function candidatesOf({ facts }: ConfigPathOptions): readonly string[] {
  return [resolve(facts.currentDirectory, 'holdfast.yaml'), systemWide]
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    // What is there and may not be looked at is reported when it is read, not passed over.
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return !['ENOENT', 'ENOTDIR'].includes(code)
  }
}

function exists(path: string): HoldfastError {
  return new HoldfastError('ALREADY_EXISTS', `there is a configuration already: ${path}`, {
    hint: 'edit it, or name another file with --config or HOLDFAST_CONFIG; nothing was written',
  })
}
