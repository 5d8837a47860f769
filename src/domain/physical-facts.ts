import { HoldfastError } from './errors.js'
import type { EngineFacts, Manifest, PostgresFacts, Tablespace } from './manifest.js'

/** @throws HoldfastError NOT_SUPPORTED for a backup that is no copy of files */
export function physicalFacts({ backup, kind, facts }: Manifest): PostgresFacts {
  if (!('dumps' in facts)) return facts
  throw new HoldfastError('NOT_SUPPORTED', `backup ${backup} is of kind ${kind}: it has no timeline and no WAL`)
}

/** Tablespaces that need a directory of their own. */
export function tablespacesOf(facts: EngineFacts): readonly Tablespace[] {
  return 'dumps' in facts ? [] : facts.tablespaces
}
