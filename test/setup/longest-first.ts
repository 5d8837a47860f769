import { relative, sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files, and rooms of files, that run for a minute or more, the longest first. Those that start one worker after the other keep a core
 * busy, and miss their moments when they are many: they stand among others that mostly wait.
 */
const longest = [
  ...['kill/worker-kills', 'plain-tools/moments', 'cancel/cancel-backup', 'kill/worker-and-job-kills', 'pitr/targets'],
  ...['cancel/cancel-restore', 'wal/archive-wal', 'restore-kill/restore-kill', 'pitr/replay-kills', 'kill/server-restarts'],
  ...['docs/commands', 'kill/job-kills', 'outage', 'wal', 'pitr', 'kill', 'plain-tools', 'starters'],
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
