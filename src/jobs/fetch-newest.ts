import type { HoldfastError } from '../domain/errors.js'
import { fetchWal, type WalFetching, type WantedWal } from './fetch-wal.js'

const looksAtMost = 10

/**
 * Fetches a file of an archive that goes on meanwhile: a partial segment is removed once there is something better of it, the whole
 * segment or a longer part, and that is taken in its place.
 * @param lookAgain lists the archive for the file
 * @throws HoldfastError what was wrong with it everywhere
 */
export async function fetchNewest(
  wanted: WantedWal,
  fetching: WalFetching,
  lookAgain: (file: string) => Promise<WantedWal>,
): Promise<void> {
  for (let [current, looks] = [wanted, 1]; ; looks += 1) {
    const problems: HoldfastError[] = []
    try {
      await fetchWal(current, { ...fetching, onProblem: (problem) => problems.push(problem) })
      problems.forEach(fetching.onProblem)
      return
    } catch (error) {
      fetching.signal.throwIfAborted()
      const isGone = problems.some(({ code }) => code === 'ARTIFACT_MISSING') && isPartial(current)
      const next = isGone && looks < looksAtMost ? await lookAgain(current.file) : current
      if (keysOf(next) === keysOf(current)) {
        problems.forEach(fetching.onProblem)
        throw error
      }
      current = next
    }
  }
}

function isPartial({ copies }: WantedWal): boolean {
  return copies.some(({ object }) => object.kind === 'partial')
}

function keysOf({ copies }: WantedWal): string {
  return copies.map(({ repository, object }) => `${repository} ${object.key}`).join('\n')
}
