import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { HoldfastError } from '../../../domain/errors.js'
import type { Artifact } from '../../../domain/manifest.js'
import type { Command } from '../../../process/command.js'
import type { ArtifactReader } from '../../engine.js'
import { extract } from '../extract.js'
import { feedProgram } from '../feed-program.js'
import { emptyDirectory, makeOwnedDirectory } from '../owned-files.js'
import type { RestoreTarget } from './restore-target.js'

/** A dump, as pg_restore can be given it, any number of times. */
export interface Archive {
  /** `again`: called when the program is begun, also when the reader begins anew. */
  run(command: Command, run: ArchiveRun): Promise<void>
  remove(): Promise<void>
}

export interface ArchiveRun {
  readonly again: () => void
  readonly onStderrLine: (line: string) => void
  readonly explain: (lastLines: string, cause: unknown) => HoldfastError
}

interface ArchiveSource {
  readonly artifact: Artifact
  readonly reader: ArtifactReader
  /** Called when reading begins; what it returns is told of each chunk. */
  readonly begin: () => (addedBytes: number) => void
}

/** Comes from the repository each time, through standard input, and never lies on a disk. */
export function streamedArchive({ artifact, reader, begin }: ArchiveSource, signal: AbortSignal): Archive {
  return {
    run: (command, { again, ...run }) =>
      reader.read(artifact, (source) => {
        again()
        return feedProgram({ command, source, onBytes: begin(), ...run }, signal)
      }),
    remove: async () => undefined,
  }
}

/** A directory, unpacked beside the instance's data for as long as it is needed: several connections can read it. */
export async function extractedArchive(
  { artifact, reader, begin }: ArchiveSource,
  { instance, owner }: RestoreTarget,
  jobs: number,
  signal: AbortSignal,
): Promise<Archive> {
  const directory = join(instance.directory, 'dump')
  await makeOwnedDirectory(directory, owner)
  await reader.readCompressed(artifact, async (source) => {
    await emptyDirectory(directory)
    await extract({ source, directory, owner, onBytes: begin() }, signal)
  })
  return {
    run: (command, { again, ...run }) => {
      again()
      // --list takes no jobs.
      const parallel = command.args.includes('--list') ? [] : [`--jobs=${jobs}`]
      const args = [...command.args, ...parallel, directory]
      return feedProgram({ command: { ...command, args }, source: Readable.from([]), onBytes: () => undefined, ...run }, signal)
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
