import type { Command, CommanderError } from 'commander'
import { HoldfastError } from '../domain/errors.js'

/** Makes a command and all below it throw instead of exiting, wrong usage as USAGE with a hint that names the right help. */
export function speakOurWay(command: Command): void {
  command.configureOutput({ outputError: () => undefined })
  command.exitOverride((error) => {
    throw toUsageError(error, command)
  })
  for (const verb of command.commands) speakOurWay(verb)
}

/** What commander throws for `--help`, `help` and `--version`, once it has printed. */
export function isAnswered(error: unknown): boolean {
  return error instanceof Error && 'code' in error && answers.some((code) => code === error.code)
}

const answers = ['commander.helpDisplayed', 'commander.version']

function toUsageError(error: CommanderError, command: Command): Error {
  if (isAnswered(error)) return error
  // `help <verb>` was answered; a command that lacks its verb was answered with the help as well, but is no success.
  if (error.code === 'commander.help') {
    return error.exitCode === 0 ? Object.assign(error, { code: 'commander.helpDisplayed' }) : missingVerb(command)
  }
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const meant = suggestion === undefined ? undefined : /mean (?:one of )?(.+)\?/.exec(suggestion)?.[1]
  const help = `see \`${pathOf(command)} --help\``
  return new HoldfastError('USAGE', message.replaceAll("'", '"'), {
    hint: meant === undefined ? help : `did you mean ${meant}? ${help}`,
  })
}

function missingVerb(command: Command): HoldfastError {
  const verbs = command.commands.map((verb) => verb.name()).join(', ')
  return new HoldfastError('USAGE', `\`${pathOf(command)}\` needs a verb: ${verbs}`, {
    hint: `see \`${pathOf(command)} --help\``,
  })
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
