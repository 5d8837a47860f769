import type { Command } from 'commander'
import { exitStatusOf } from '../domain/errors.js'
import { parseSystemName } from '../domain/ids.js'
import { redactText } from '../domain/redact-text.js'
import type { DoctorFinding } from '../workers/doctor/finding.js'
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
      const { firstFailure, runDoctor } = await import('../workers/doctor/run-doctor.js')
      const findings = (await runDoctor(loaded, env, system)).map(masked)
      const failure = firstFailure(findings)
      answer(options, { outcome: failure === undefined ? 'ok' : 'failed', findings }, describeFindings(findings))
      process.exitCode = failure === undefined ? 0 : exitStatusOf(failure.code)
    })
}

const examples = `  holdfast doctor
  holdfast doctor avi5 --json | jq '.findings[] | select(.outcome != "ok")'

Small objects are written to the repositories and removed again. Secrets are read and never printed.
Exit status: 0 nothing failed; else that of the first failure
`

const labels = { ok: 'ok  ', warning: 'warn', failed: 'FAIL' } as const

function describeFindings(findings: readonly DoctorFinding[]): string {
  const lines = findings.flatMap(({ subject, outcome, message, hint }) => {
    const line = `${labels[outcome]} ${subject}: ${message}`
    return outcome === 'ok' || hint === undefined || hint === '' ? [line] : [line, `     ${hint}`]
  })
  const count = (outcome: DoctorFinding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length
  return `${lines.join('\n')}\n\n${findings.length} findings, ${count('warning')} warnings, ${count('failed')} failures\n`
}

/** Messages quote servers and programs. */
function masked(finding: DoctorFinding): DoctorFinding {
  const { message, hint } = finding
  return { ...finding, message: redactText(message), ...(hint === undefined ? {} : { hint: redactText(hint) }) }
}
