import { HoldfastError } from '../domain/errors.js'
import type { Command } from './command.js'
import { type EnvironmentMode, environmentOf } from './environment.js'
import { findProgram, locateProgram, searchPath } from './find-program.js'

/** What is really handed to the operating system for a command. */
export interface Invocation {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Record<string, string>
}

/**
 * `tied`: the program and everything it started end with us, even when we are killed without a chance to clean up.
 * `free`: it lives on.
 */
export type Lifetime = 'tied' | 'free'

/**
 * A command with its prefixes: `setpriv` to become another user, and for tied commands the kernel's parent-death signal plus
 * a few lines of shell that pass it on. Where `setpriv` is missing (not Linux) commands run untied, and only as ourselves.
 * @throws HoldfastError TOOL_MISSING, CONFIG_INVALID (another user without being root)
 */
export function invocationOf(command: Command, options: { lifetime: Lifetime; environment: EnvironmentMode }): Invocation {
  const runAs = isOurselves(command.runAs) ? undefined : command.runAs
  const env = environmentOf(runAs === undefined ? withoutUser(command) : command, options.environment)
  const program = locateProgram(command.program, env.PATH)
  const setpriv = findProgram('setpriv', [...searchPath(), '/usr/bin', '/bin'])
  const tied = options.lifetime === 'tied' && setpriv !== undefined
  const prefix = [
    ...(setpriv !== undefined && (tied || runAs !== undefined) ? [setpriv] : []),
    ...becoming(runAs, setpriv),
    ...(tied ? [`--pdeathsig=${deathSignal}`, '/bin/sh', '-c', supervisor, 'sh', String(process.pid)] : []),
  ]
  const [file = program, ...args] = [...prefix, program, ...command.args]
  // Our own directory may be closed to another user, and many programs refuse to start in one they cannot read.
  const cwd = command.cwd ?? (runAs === undefined ? process.cwd() : '/')
  return { file, args, cwd, env }
}

/** Has to be one that programs are not stopped with: stopping sends SIGTERM to the whole group, which the supervisor outlives. */
const deathSignal = 'USR1'

/**
 * Waits for the program and exits as it did. The kernel signals the death of a parent to the direct child alone, but
 * pg_basebackup forks a process for the WAL that would go on streaming for ever; so the signal takes the whole group along.
 * The first line closes the gap between the fork and the moment the signal is armed.
 * `wait` returns early when a signal was trapped, hence the loop. SIGINT is ignored below (background jobs of a shell).
 */
const supervisor = `[ "$PPID" = "$1" ] || exit 125
shift
trap 'kill -KILL 0' ${deathSignal}
trap : TERM
exec 3<&0
"$@" <&3 3<&- &
child=$!
exec 3<&- </dev/null >/dev/null 2>&1
while :; do wait "$child"; status=$?; kill -0 "$child" || exit "$status"; done`

function becoming(user: Command['runAs'], setpriv: string | undefined): string[] {
  if (user === undefined) return []
  if (process.getuid?.() !== 0 || setpriv === undefined) {
    throw new HoldfastError('CONFIG_INVALID', `cannot run a program as user "${user.name}": only root can, with setpriv`, {
      hint: `run Holdfast as root or as "${user.name}"`,
      details: { user: user.name },
    })
  }
  // After setpriv changes user it arms the parent-death signal: the other order would lose it.
  return [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups']
}

function isOurselves(user: Command['runAs']): boolean {
  return user === undefined || user.uid === process.getuid?.()
}

function withoutUser({ runAs: _, ...command }: Command): Command {
  return command
}
