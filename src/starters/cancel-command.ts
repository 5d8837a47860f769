import type { Command } from 'commander'
import { answer, type OutputOptions } from './output.js'
import { addVerb, contextOf } from './verb.js'

export function addCancelCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'cancel', 'end what is running or waits; what it made so far is removed', examples)
    .argument('<operation>', 'as `holdfast status` calls it, e.g. backup/avi5/full')
    .option('--json', 'print what was done as JSON')
    .action(async (id: string, options: OutputOptions, command: Command) => {
      const { loaded } = await contextOf(command, env)
      const [{ withClient }, { cancelOperation }] = await Promise.all([import('./client.js'), import('./cancel-operation.js')])
      const done = await withClient(loaded, env, ({ client }) => cancelOperation(client, id))
      const state = done.state === 'ended' ? 'has ended' : 'is being cancelled'
      answer(options, done, `${[`${id} ${state}`, ...done.consequences.map((text) => `  ${text}`)].join('\n')}\n`)
    })
}

const examples = `  holdfast cancel backup/avi5/full         nothing of this backup stays; older ones are not touched
  holdfast cancel restore/avi5-check       the new instance is removed

It returns at once; the workers stop the jobs and tidy up, and \`holdfast status\` shows when they have.
Exit status: 0 it is asked to end, 4 nothing of that name runs; others: see docs/operations.md
`
