import { createHash } from 'node:crypto'

/**
 * To compare a key with its copies without showing it. Of 256 random bits a digest tells nothing; the prefix keeps it apart from any
 * other use of the same digest.
 */
export function keyFingerprint(bytes: Uint8Array): string {
  return createHash('sha256').update('holdfast key fingerprint\0').update(bytes).digest('hex').slice(0, 16)
}
