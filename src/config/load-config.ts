import { readFile, stat } from 'node:fs/promises'
import { HoldfastError } from '../domain/errors.js'
import type { Config } from './config.js'
import { findConfigPath } from './config-path.js'
import { type HostFacts, readHostFacts } from './host-facts.js'
import { parseConfig } from './parse-config.js'

export interface LoadOptions {
  /** `--config`; relative to the current directory. */
  readonly path?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of this machine and process where left out. */
  readonly facts?: HostFacts
}

export interface LoadedConfig {
  readonly config: Config
  /** Absolute. */
  readonly path: string
}

/**
 * Finds and parses the configuration: `--config`, HOLDFAST_CONFIG, `./holdfast.yaml`, `/etc/holdfast/holdfast.yaml`. A file that is
 * named must be there; the last two are looked for. Secrets stay references.
 * @throws HoldfastError CONFIG_INVALID: no file, an unreadable one, or every problem of its content at once
 */
export async function loadConfig({ path, env, facts = readHostFacts() }: LoadOptions): Promise<LoadedConfig> {
  const found = await findConfigPath({ env, facts, ...(path === undefined ? {} : { path }) })
  return { config: parseConfig(await read(found), found, facts), path: found }
}

const maximumFileBytes = 1024 * 1024

async function read(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > maximumFileBytes)
      throw new HoldfastError('CONFIG_INVALID', `${path} is larger than a configuration can be: ${size} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    throw new HoldfastError('CONFIG_INVALID', `cannot read the configuration ${path}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'name another file with --config or HOLDFAST_CONFIG, or correct its permissions',
    })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function reasonOf(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'it is not there',
    EACCES: 'this user may not read it',
    EISDIR: 'it is a directory',
  }
  return reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
}
