import type { Command } from './command.js'

/**
 * `minimal`: what programs need to run, and nothing that could be a secret of ours.
 * `inherit`: everything; for our own jobs, which resolve `{ env: NAME }` secrets themselves.
 */
export type EnvironmentMode = 'minimal' | 'inherit'

const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment a command is started with; `command.env` wins over the rest. */
export function environmentOf(command: Command, mode: EnvironmentMode): Record<string, string> {
  const own = definedVariables(process.env)
  if (mode === 'inherit') return { ...own, ...command.env }
  const { PATH = standardPath, HOME, TZ, TMPDIR } = own
  return {
    PATH,
    // Another user's programs must not look for .pgpass in our home: without HOME they ask the user database.
    ...(HOME === undefined || command.runAs !== undefined ? {} : { HOME }),
    ...(TZ === undefined ? {} : { TZ }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    // Messages are parsed, so they are in English everywhere.
    LANG: 'C',
    LC_ALL: 'C',
    ...command.env,
  }
}

function definedVariables(variables: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
