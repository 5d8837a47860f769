import { relative, sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Rooms of tests whose files run for a minute or two, the longest first. */
const longest = ['restore-kill', 'kill', 'outage', 'plain-tools', 'docs', 'wal', 'cancel', 'pitr', 'starters']

/** They begin first, so that at the end nobody waits for one of them alone. All others as vitest has them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted
      .map((file) => ({ file, rank: rankOf(file.moduleId) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ file }) => file)
  }
}

function rankOf(moduleId: string): number {
  const rank = longest.indexOf(relative('test', moduleId).split(sep)[0] ?? '')
  return rank === -1 ? longest.length : rank
}
