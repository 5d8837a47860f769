import { createHash } from 'node:crypto'

const prefix = 'holdfast_'
/** PostgreSQL's limit for names, in bytes. */
const limit = 63
const hashDigits = 8

/**
 * Name of the replication slot that keeps WAL for a system. PostgreSQL takes a-z, 0-9 and `_` alone; a name that has to be changed
 * or shortened gets a hash, so that no two systems share a slot.
 */
export function guardName(system: string): string {
  const plain = `${prefix}${system}`
  if (/^[a-z0-9_]+$/.test(plain) && plain.length <= limit) return plain
  const hash = createHash('sha256').update(system).digest('hex').slice(0, hashDigits)
  return `${plain.replaceAll('-', '_').slice(0, limit - hashDigits - 1)}_${hash}`
}
