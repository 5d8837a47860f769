import { expect } from 'vitest'
import type { BackupEnd } from './backup-run.js'

/** Every backup ended complete, after so many attempts. */
export function expectComplete(ends: readonly BackupEnd[], attemptsOf: (system: string) => number | undefined = () => 1): void {
  for (const end of ends) {
    expect(end).toHaveProperty('report')
    if (!('report' in end)) continue
    const attempts = attemptsOf(end.system)
    expect(end.report, end.system).toMatchObject({ outcome: 'complete', ...(attempts === undefined ? {} : { attempts }) })
  }
}
