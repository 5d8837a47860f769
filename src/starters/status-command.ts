import type { Command } from 'commander'
import { parseSystemName } from '../domain/ids.js'
import { answer, type OutputOptions } from './output.js'
import { addVerb, contextOf, knownSystem } from './verb.js'

export function addStatusCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'status', 'what is running or waits, for what, and what ended last', examples)
    .argument('[system]', 'of this system alone')
    .option('--json', 'print it as JSON')
    .action(async (name: string | undefined, options: OutputOptions, command: Command) => {
      const system = name === undefined ? undefined : parseSystemName(name)
      const { loaded } = await contextOf(command, env)
      if (system !== undefined) knownSystem(system, loaded)
      const [{ withClient }, { seeOperations }, { describeOperations }] = await Promise.all([
        import('./client.js'),
        import('./see-operations.js'),
        import('./describe-operations.js'),
      ])
      const seen = await withClient(loaded, env, ({ client }) => seeOperations(client, system))
      answer(options, seen, describeOperations(seen, Date.now()))
    })
}

const examples = `  holdfast status                 of all systems; needs Temporal, and no worker
  holdfast status avi5
  holdfast status --json | jq -r '.running[] | select(.obstacles != []) | .id'

What ended longer ago than Temporal's retention is not shown; \`holdfast ls\` has the backups.
`
