import { manifestKey } from '../catalog/keys.js'
import type { Composition } from '../composition/compose.js'
import type { Repository } from '../composition/repository.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupPlan, Precheck } from '../domain/plans.js'
import { formatBytes } from '../domain/quantity.js'
import type { Probe } from '../engines/engine.js'

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
  const probe = await engine.probe(plan.kind, signal)
  const failed = probe.findings.find((finding) => finding.outcome === 'failed')
  if (failed !== undefined) {
    const message = `system ${plan.system}: ${failed.subject}: ${failed.message}`
    throw new HoldfastError('SOURCE_UNSUITABLE', message, failed.hint === undefined ? {} : { hint: failed.hint })
  }
  const warnings = probe.findings.filter((finding) => finding.outcome === 'warning')
  return {
    estimatedBytes: probe.estimatedBytes,
    serverVersion: probe.version,
    warnings: [
      ...warnings.map((finding) => `${finding.subject}: ${finding.message}`),
      ...(await spaceWarnings(repository, probe)),
    ],
  }
}

/** Room for the compressed backup twice. How well it compresses is not known before: hardly better than this. */
const bestCompression = 20

/** @throws SPACE_SHORT where not even a cluster that compresses very well would fit: better now than after hours, on a full disk */
async function spaceWarnings({ name, store }: Repository, { estimatedBytes }: Probe): Promise<string[]> {
  const freeBytes = await store.freeBytes?.()
  if (freeBytes === undefined || freeBytes >= estimatedBytes) return []
  const message = `repository ${name} has ${formatBytes(freeBytes)} free for a cluster of ${formatBytes(estimatedBytes)}`
  if (freeBytes >= (2 * estimatedBytes) / bestCompression) return [`${message}: enough only if it compresses well`]
  throw new HoldfastError('SPACE_SHORT', message, {
    hint: 'a capture needs room for the compressed backup twice: free space there, or move the capture repository',
  })
}
