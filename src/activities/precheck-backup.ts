import { manifestKey } from '../catalog/keys.js'
import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupPlan, Precheck } from '../domain/plans.js'

/** Looks at everything a capture needs, before it is started. @throws the first thing that would make it fail */
export async function precheckBackup(composition: Composition, plan: BackupPlan, signal: AbortSignal): Promise<Precheck> {
  await composition.keys()
  const repository = await composition.captureRepository(plan.system)
  await repository.store.probe({ signal })
  if ((await repository.store.head(manifestKey(plan.backup), { signal })) !== undefined) {
    throw new HoldfastError('ALREADY_EXISTS', `backup ${plan.backup} is in repository ${repository.name} already`, {
      hint: 'a backup is named for the second it was asked for; ask again',
    })
  }
  const engine = await composition.engine(plan.system)
  const probe = await engine.probe(signal)
  const failed = probe.findings.find((finding) => finding.outcome === 'failed')
  if (failed !== undefined) {
    const message = `system ${plan.system}: ${failed.subject}: ${failed.message}`
    throw new HoldfastError('SOURCE_UNSUITABLE', message, failed.hint === undefined ? {} : { hint: failed.hint })
  }
  const warnings = probe.findings.filter((finding) => finding.outcome === 'warning')
  return {
    estimatedBytes: probe.estimatedBytes,
    serverVersion: probe.version,
    warnings: warnings.map((finding) => `${finding.subject}: ${finding.message}`),
  }
}
