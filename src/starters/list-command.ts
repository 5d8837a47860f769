import type { Command } from 'commander'
import { HoldfastError } from '../domain/errors.js'
import { parseRepositoryName, parseSystemName } from '../domain/ids.js'
import { describeList } from './describe-list.js'
import { toRows } from './list-rows.js'
import { answer, type OutputOptions, remark } from './output.js'
import { surveyCatalogs } from './survey-catalogs.js'
import { addVerb, compositionOf, contextOf } from './verb.js'

export function addListCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'ls', 'list the backups in all repositories, the newest last; needs no Temporal', examples)
    .argument('[system]', 'of this system alone')
    .option('--json', 'print the list as JSON')
    .action(async (name: string | undefined, options: OutputOptions, command: Command) => {
      const system = name === undefined ? undefined : parseSystemName(name)
      const context = await contextOf(command, env)
      const { config } = context.loaded
      const repositories = Object.keys(config.repositories).map(parseRepositoryName)
      const survey = await surveyCatalogs(await compositionOf(context), repositories, system)
      const rows = toRows(survey, config)
      if (system !== undefined && rows.length === 0 && config.systems[system] === undefined) {
        throw new HoldfastError('NOT_FOUND', `there is no system "${system}", neither in the configuration nor in a repository`, {
          hint: `there is: ${Object.keys(config.systems).join(', ')}`,
        })
      }
      answer(options, { backups: rows, unread: survey.unread }, describeList(rows))
      for (const { repository, message, code } of survey.unread)
        remark(`note: ${repository} cannot be read: ${message} (${code})`)
    })
}

const examples = `  holdfast ls                all systems, also those that are configured no more
  holdfast ls avi5
  holdfast ls avi5 --json | jq -r '.backups[-1].backup'

The id of a backup names system, kind, and when it was due (UTC). DEGRADED: a repository of the system lacks it.
DATA is what a restore writes, STORED what one copy takes, CAPTURE how long the server was read; copies may take longer.
Exit status: 0, also when single repositories cannot be read (a note says which); 7 when none can
`
