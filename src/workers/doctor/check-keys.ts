import type { Config, SecretReference } from '../../config/config.js'
import { resolveKeyRing } from '../../config/resolve-key-ring.js'
import { toHoldfastError } from '../../domain/errors.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'
import { keyFingerprint } from './key-fingerprint.js'

/** Each key on its own: whether it can be read, and a fingerprint to compare between hosts. The bytes are never told. */
export async function checkKeys({ encryption }: Config, env: NodeJS.ProcessEnv): Promise<readonly DoctorFinding[]> {
  if (encryption.kind === 'off') {
    return [
      warning(
        'keys',
        'encryption is off: whoever reads a repository reads the data',
        'see `encryption` in docs/configuration.md',
      ),
    ]
  }
  const { activeKey } = encryption
  return Promise.all(Object.entries(encryption.keys).map(([id, reference]) => keyFinding(id, reference, activeKey, env)))
}

async function keyFinding(
  id: string,
  reference: SecretReference,
  activeKey: string,
  env: NodeJS.ProcessEnv,
): Promise<DoctorFinding> {
  const subject = `key ${id}`
  try {
    const alone = { encryption: { kind: 'keys', activeKey: id, keys: { [id]: reference } } } as const
    const { active } = await resolveKeyRing(alone, env)
    const use = id === activeKey ? 'used for new backups' : 'for reading'
    return ok(subject, `${use}, fingerprint ${active === undefined ? '?' : keyFingerprint(active.bytes)}`)
  } catch (error) {
    const { code, message, hint } = toHoldfastError(error)
    return failed(subject, code, message, hint)
  }
}
