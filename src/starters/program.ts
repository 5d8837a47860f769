import { Command } from 'commander'
import { holdfastVersion } from '../domain/version.js'
import { addBackupCommand } from './backup-command.js'
import { addCancelCommand } from './cancel-command.js'
import { addDevCommand } from './dev-command.js'
import { addDoctorCommand } from './doctor-command.js'
import { addInitCommand } from './init-command.js'
import { addInstancesCommand } from './instances-command.js'
import { addListCommand } from './list-command.js'
import { addRestoreCommand } from './restore-command.js'
import { addShowCommand } from './show-command.js'
import { addStatusCommand } from './status-command.js'
import { speakOurWay } from './usage-error.js'
import { configOption } from './verb.js'
import { addWalCommand } from './wal-command.js'
import { addWindowCommand } from './window-command.js'
import { addWorkerCommand } from './worker-command.js'

/** Every verb, each in a file of its own. Wrong usage throws USAGE; `--help` and `--version` throw commander's own error. */
export function buildProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command('holdfast')
    .description('Keeps databases recoverable: durable backups, and restores into new instances.')
    .version(holdfastVersion)
    .option(...configOption)
    .enablePositionalOptions()
    .addHelpText('after', examples)
  addInitCommand(program, env)
  addDevCommand(program, env)
  addWorkerCommand(program, env)
  addBackupCommand(program, env)
  addRestoreCommand(program, env)
  addStatusCommand(program, env)
  addCancelCommand(program, env)
  addListCommand(program, env)
  addShowCommand(program, env)
  addWindowCommand(program, env)
  addInstancesCommand(program, env)
  addWalCommand(program, env)
  addDoctorCommand(program, env)
  speakOurWay(program)
  return program
}

const examples = `
Examples:
  holdfast init                            make a first configuration, with a key
  holdfast doctor                          is everything there that backups need?
  holdfast backup avi5                     full backup now, with progress
  holdfast status                          what runs, waits, and has ended
  holdfast ls avi5                         what backups are there, and where
  holdfast restore avi5 --name avi5-check  the newest backup, in a new instance

Commands and exit statuses are explained in docs/operations.md.
`
