import type { Command } from 'commander'
import { exitStatusOf } from '../domain/errors.js'
import { parseSystemName } from '../domain/ids.js'
import { describeFindings, diagnose } from './diagnose.js'
import { answer, type OutputOptions } from './output.js'
import { addVerb, contextOf, knownSystem } from './verb.js'

export function addDoctorCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'doctor', 'look at everything that backups and restores need, from this host', examples)
    .argument('[system]', 'this system and its repositories alone')
    .option('--json', 'print the findings as JSON')
    .action(async (name: string | undefined, options: OutputOptions, command: Command) => {
      const { loaded } = await contextOf(command, env)
      const system = name === undefined ? undefined : parseSystemName(name)
      if (system !== undefined) knownSystem(system, loaded)
      const diagnosis = await diagnose(loaded, env, system)
      answer(options, diagnosis.document, describeFindings(diagnosis))
      process.exitCode = diagnosis.failure === undefined ? 0 : exitStatusOf(diagnosis.failure.code)
    })
}

const examples = `  holdfast doctor
  holdfast doctor avi5 --json | jq '.findings[] | select(.outcome != "ok")'

Small objects are written to the repositories and removed again. Secrets are read and never printed.
Exit status: 0 nothing failed; else that of the first failure
`
