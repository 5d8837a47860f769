import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { HoldfastError } from '../../../domain/errors.js'
import type { Artifact, Manifest } from '../../../domain/manifest.js'
import type { Command } from '../../../process/command.js'
import type { ArtifactReader } from '../../engine.js'
import { extract } from '../extract.js'
import { feedProgram } from '../feed-program.js'
import { emptyDirectory, makeOwnedDirectory } from '../owned-files.js'
import type { RestoreTarget } from './restore-target.js'

/** A dump, as pg_restore can be given it, any number of times. */
export interface Archive {
  /** `again`: done before the program is begun, also when the reader begins anew. */
  run(command: Command, run: ArchiveRun): Promise<void>
  remove(): Promise<void>
}

export interface ArchiveRun {
  readonly again: () => Promise<void>
  readonly onStderrLine: (line: string) => void
  readonly explain: (lastLines: string, cause: unknown) => HoldfastError
}

export interface ArchiveSource {
  readonly artifact: Artifact
  readonly reader: ArtifactReader
  /** Called when reading begins; what it returns is told of each chunk. */
  readonly begin: () => (addedBytes: number) => void
}

/** A dump of either format. @param jobs connections to restore with, where the format allows it */
export async function openArchive(
  source: ArchiveSource,
  manifest: Manifest,
  target: RestoreTarget,
  jobs: number,
  signal: AbortSignal,
): Promise<Archive> {
  return isDirectory(manifest) ? extractedArchive(source, target, jobs, signal) : streamedArchive(source, signal)
}

export function isDirectory({ facts }: Manifest): boolean {
  return 'dumps' in facts && facts.dumps === 'directory'
}

/** Comes from the repository each time, through standard input, and never lies on a disk. */
function streamedArchive({ artifact, reader, begin }: ArchiveSource, signal: AbortSignal): Archive {
  return {
    run: (command, { again, ...run }) =>
      reader.read(artifact, async (source) => {
        await again()
        return feedProgram({ command, source, onBytes: begin(), ...run }, signal)
      }),
    remove: async () => undefined,
  }
}

/** A directory, unpacked for as long as it is needed: several connections can read it. */
async function extractedArchive(
  { artifact, reader, begin }: ArchiveSource,
  { dumpDirectory: directory, owner }: RestoreTarget,
  jobs: number,
  signal: AbortSignal,
): Promise<Archive> {
  await makeOwnedDirectory(directory, owner)
  await reader.readCompressed(artifact, async (source) => {
    await emptyDirectory(directory)
    await extract({ source, directory, owner, onBytes: begin() }, signal)
  })
  return {
    async run(command, { again, ...run }) {
      await again()
      // --list takes no jobs.
      const parallel = command.args.includes('--list') ? [] : [`--jobs=${jobs}`]
      const args = [...command.args, ...parallel, directory]
      return feedProgram({ command: { ...command, args }, source: Readable.from([]), onBytes: () => undefined, ...run }, signal)
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
