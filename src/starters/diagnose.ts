import type { LoadedConfig } from '../config/load-config.js'
import type { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import { redactText } from '../domain/redact-text.js'
import type { DoctorFinding } from '../workers/doctor/finding.js'

/** What the doctor found; `document` is its answer for a program. */
export interface Diagnosis {
  readonly document: { readonly outcome: 'ok' | 'failed'; readonly findings: readonly DoctorFinding[] }
  readonly failure: HoldfastError | undefined
}

/** Asks the doctor. Messages quote servers and programs: what looks like a secret is masked. @throws NOT_FOUND */
export async function diagnose(loaded: LoadedConfig, env: NodeJS.ProcessEnv, system: SystemName | undefined): Promise<Diagnosis> {
  const { firstFailure, runDoctor } = await import('../workers/doctor/run-doctor.js')
  const findings = (await runDoctor(loaded, env, system)).map(masked)
  const failure = firstFailure(findings)
  return { document: { outcome: failure === undefined ? 'ok' : 'failed', findings }, failure }
}

const labels = { ok: 'ok  ', warning: 'warn', failed: 'FAIL' } as const

export function describeFindings({ document: { findings } }: Diagnosis): string {
  const lines = findings.flatMap(({ subject, outcome, message, hint }) => {
    const line = `${labels[outcome]} ${subject}: ${message}`
    return outcome === 'ok' || hint === undefined || hint === '' ? [line] : [line, `     ${hint}`]
  })
  const count = (outcome: DoctorFinding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length
  const sum = [counted(findings.length, 'finding'), counted(count('warning'), 'warning'), counted(count('failed'), 'failure')]
  return `${lines.join('\n')}\n\n${sum.join(', ')}\n`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function masked(finding: DoctorFinding): DoctorFinding {
  const { message, hint } = finding
  return { ...finding, message: redactText(message), ...(hint === undefined ? {} : { hint: redactText(hint) }) }
}
