import { hostname, userInfo } from 'node:os'
import type { Command } from 'commander'
import type { Composition } from '../composition/compose.js'
import { type LoadedConfig, loadConfig } from '../config/load-config.js'
import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { nearest } from '../domain/nearest.js'

/** What a verb gets besides its own options. */
export interface VerbContext {
  readonly loaded: LoadedConfig
  readonly env: NodeJS.ProcessEnv
}

/** The same before and after the verb. */
export const configOption = [
  '-c, --config <file>',
  'configuration file (default: HOLDFAST_CONFIG, ./holdfast.yaml, /etc/holdfast/holdfast.yaml)',
] as const

/** Adds a verb with what all verbs have: `--config`, and examples below the help. */
export function addVerb(parent: Command, name: string, description: string, examples: string): Command {
  return parent
    .command(name)
    .description(description)
    .option(...configOption)
    .addHelpText('after', `\nExamples:\n${examples}`)
}

/** The file `--config` names, after the verb or before it; undefined leaves it to the environment. */
export function configPathOf(command: Command): string | undefined {
  const own = command.opts<{ config?: string }>().config
  return own ?? (command.parent === null ? undefined : configPathOf(command.parent))
}

/** Loads the configuration that `--config` or the environment names. */
export async function contextOf(command: Command, env: NodeJS.ProcessEnv): Promise<VerbContext> {
  const path = configPathOf(command)
  return { loaded: await loadConfig({ env, ...(path === undefined ? {} : { path }) }), env }
}

/**
 * Stores, engines and provisioners of the configuration. What verbs need of other rooms is imported when it is needed:
 * all of it takes longer to load than most verbs take to run.
 */
export async function compositionOf({ loaded, env }: VerbContext): Promise<Composition> {
  const { compose } = await import('../composition/compose.js')
  return compose(loaded, env)
}

/** @throws NOT_FOUND naming the systems there are */
export function knownSystem(system: SystemName, { config }: LoadedConfig): void {
  const names = Object.keys(config.systems)
  if (names.includes(system)) return
  const meant = nearest(system, names)
  throw new HoldfastError('NOT_FOUND', `there is no system "${system}" in the configuration`, {
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}there is: ${names.join(', ')}`,
  })
}

/** `alice@db1`, for the manifest and the audit. In containers the user may have no name. */
export function requester(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`
  }
}
