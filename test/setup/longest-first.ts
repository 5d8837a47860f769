import { relative, sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files, and rooms of files, that run for a quarter of a minute or more. Those that start one worker after the other keep a core busy,
 * and miss their moments when they are many: they stand apart, and those that mostly wait between them.
 */
const longest = [
  ...['kill/worker-kills', 'engines/postgres-failures', 'plain-tools/moments', 'outage/store-away', 'pitr/targets'],
  ...['bad-days/source', 'kill/worker-and-job-kills', 'outage/repository-down', 'kill/job-kills', 'wal/rpo'],
  ...['restore-kill/restore-kill', 'cancel/cancel-backup', 'wal/archive-wal', 'outage/control-plane'],
  ...['cancel/cancel-restore', 'docs/commands', 'starters/status', 'kill/server-restarts', 'pitr/replay-kills'],
  ...['jobs/start-or-adopt', 'wal', 'damage', 'e2e', 'jobs/patience', 'pitr', 'kill', 'bad-days', 'plain-tools', 'starters'],
]

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
  const path = relative('test', moduleId).split(sep).join('/')
  const rank = longest.findIndex((start) => path.startsWith(`${start}/`) || path === `${start}.test.ts`)
  return rank === -1 ? longest.length : rank
}
