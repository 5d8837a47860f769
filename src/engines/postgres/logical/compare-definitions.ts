import type { EngineFacts } from '../../../domain/manifest.js'
import { type CheckResult, type CheckStage, statementsCheck } from '../../../domain/operations.js'
import type { SelectionRequest } from '../../engine.js'
import { lostTables } from '../check-contents.js'
import type { InventoryDatabase } from '../inventory.js'
import { judge, notRun } from '../judge.js'
import { majorOf } from '../server-version.js'

/**
 * pg_dump promises the same definitions, not the same text of them: a difference is told, and only a missing table fails.
 * @param original of what was asked for
 * @param serverVersion of the new server, `18.4`
 */
export function compareDefinitions(
  { manifest, only }: Pick<SelectionRequest, 'manifest' | 'only'>,
  original: InventoryDatabase,
  restored: InventoryDatabase,
  serverVersion: string,
): CheckResult {
  const name = `schema of ${restored.name}`
  const lost = original.during === 'changed' ? [] : lostTables(original, restored)
  if (lost.length > 0) return judge(name, false, '', `tables are missing: ${lost.slice(0, 10).join(', ')}`)
  const count = `${original.tables.length} tables`
  if (only !== undefined) return notRun(name, `all ${count} that were asked for are there; the rest was not restored`)
  const other = otherMajor(manifest.facts, serverVersion)
  if (other !== undefined) return notRun(name, `all ${count} are there; PostgreSQL ${other} prints definitions in its own way`)
  if (original.fingerprint === restored.fingerprint) return judge(name, true, `${count} and all definitions are as they were`, '')
  if (original.during === 'changed') {
    return notRun(name, 'the schema was changed while the backup ran: nothing to compare with')
  }
  return notRun(name, `all ${count} are there; some definitions are printed otherwise than on the original`)
}

/** Statements of a dump that the server refused, where that is no failure. */
export function statementsResult(refused: readonly string[], stage: CheckStage): CheckResult {
  return refused.length === 0
    ? { name: statementsCheck, stage, outcome: 'passed', message: 'the new server took all of them' }
    : { name: statementsCheck, stage, outcome: 'not-run', message: `refused by the new server: ${shorten(refused)}` }
}

const shown = 10

function shorten(refused: readonly string[]): string {
  const more = refused.length > shown ? `; and ${refused.length - shown} more` : ''
  return `${refused.slice(0, shown).join('; ')}${more}`
}

function otherMajor({ serverVersionNumber }: EngineFacts, serverVersion: string): string | undefined {
  const major = serverVersion.split('.')[0]
  return major === majorOf(serverVersionNumber) ? undefined : major
}
