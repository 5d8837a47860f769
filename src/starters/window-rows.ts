import type { RepositoryName } from '../domain/ids.js'
import type { RecoveryWindow } from '../domain/recovery-window.js'

/** What one repository proves; an element of the JSON too. */
export interface WindowRow {
  readonly repository: RepositoryName
  readonly window: RecoveryWindow
  readonly rpoObjectiveMs?: number
  /** What is there and does not count. */
  readonly problems: readonly string[]
}

/** Something is not as it should be: nothing proven, a gap, or more would be lost than was promised. */
export function isDegraded(row: WindowRow): boolean {
  const { latest, gaps } = row.window
  return latest === undefined || gaps.length > 0 || missesObjective(row)
}

export function missesObjective({ window: { actualRpoMs }, rpoObjectiveMs }: WindowRow): boolean {
  return rpoObjectiveMs !== undefined && (actualRpoMs === undefined || actualRpoMs > rpoObjectiveMs)
}
