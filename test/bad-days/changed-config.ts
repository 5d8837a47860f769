import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Stand } from '../stand/stand.js'

/** As `standConfig` writes it; tests put into it what an operator might. */
export interface WrittenConfig {
  timeouts: Record<string, string>
  tools: { postgres: Record<string, string> }
  encryption: unknown
  repositories: Record<string, Record<string, unknown>>
  systems: Record<string, { repositories: string[]; connection: Record<string, unknown> }>
}

/** Writes the stand's configuration anew, changed. @returns the environment that names it */
export async function changedConfig(
  stand: Stand,
  name: string,
  change: (config: WrittenConfig) => void,
): Promise<Readonly<Record<string, string>>> {
  const config = parse(await readFile(stand.configPath, 'utf8')) as WrittenConfig
  change(config)
  const path = join(stand.directory, `${name}.yaml`)
  await writeFile(path, stringify(config), { mode: 0o600 })
  return { ...stand.env, HOLDFAST_CONFIG: path }
}
