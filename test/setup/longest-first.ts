import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Rooms whose files take minutes, on servers of their own. */
const longRooms = /^test\/(?:restore-kill|kill|outage|cancel|plain-tools|docs|pitr|wal|damage)\//

/** What takes long begins first: else the last of it runs alone while the other processor waits. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ project, moduleId }: TestSpecification) => longRooms.test(moduleId.slice(project.config.root.length + 1))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
