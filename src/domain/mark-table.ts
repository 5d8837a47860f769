import { formatLsn, lsnToBytes } from './lsn.js'
import type { MarkFacts } from './mark.js'

/** What the keys of many marks say, 22 bytes each: those of a year, one a minute, take some 12 MB. */
export interface MarkTable {
  add(facts: MarkFacts): void
  /** Against the order in which they were added, which is that of time: those that count are met first. */
  newestFirst(): Iterable<MarkFacts>
}

export function createMarkTable(): MarkTable {
  const pages: Page[] = []
  const clusters: string[] = []
  let count = 0

  function clusterOf(systemIdentifier: string): number {
    const known = clusters.indexOf(systemIdentifier)
    return known === -1 ? clusters.push(systemIdentifier) - 1 : known
  }

  return {
    add({ systemIdentifier, timeline, lsn, at }) {
      const place = count % pageLength
      if (place === 0) pages.push(emptyPage())
      const page = pages.at(-1)
      if (page === undefined) return
      page.cluster[place] = clusterOf(systemIdentifier)
      page.timeline[place] = timeline
      page.lsn[place] = lsnToBytes(lsn)
      page.at[place] = Date.parse(at)
      count += 1
    },
    *newestFirst() {
      for (let index = count - 1; index >= 0; index--) {
        const [page, place] = [pages[Math.floor(index / pageLength)], index % pageLength]
        const at = new Date(page?.at[place] ?? 0).toISOString()
        const systemIdentifier = clusters[page?.cluster[place] ?? 0] ?? ''
        yield { systemIdentifier, timeline: page?.timeline[place] ?? 0, lsn: formatLsn(page?.lsn[place] ?? 0n), at }
      }
    },
  }
}

interface Page {
  /** Place in the list of system identifiers. */
  readonly cluster: Uint16Array
  readonly timeline: Uint32Array
  readonly lsn: BigUint64Array
  /** Milliseconds: what a key tells. */
  readonly at: Float64Array
}

const pageLength = 4096

function emptyPage(): Page {
  return {
    cluster: new Uint16Array(pageLength),
    timeline: new Uint32Array(pageLength),
    lsn: new BigUint64Array(pageLength),
    at: new Float64Array(pageLength),
  }
}
