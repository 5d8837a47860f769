/**
 * Which segments of a timeline are there, and which with two contents: pages of hashes, 8 bytes a segment. 500,000 segments take some
 * 4 MB, and 2 KiB for each lonely one.
 */
export interface SegmentTable {
  /** @param hash 16 hex digits */
  add(number: number, hash: string): void
  state(number: number): 'absent' | 'whole' | 'conflict'
  /** The last number of the unbroken row of whole segments that begins here; undefined where this one is not whole. */
  runEnd(number: number): number | undefined
  /** The smallest number from this one on that is there, also with two contents. */
  nextAt(number: number): number | undefined
}

export function createSegmentTable(): SegmentTable {
  const pages = new Map<number, BigUint64Array>()
  let lastNumber = -1
  const at = (number: number) => pages.get(Math.floor(number / pageLength))?.[number % pageLength] ?? absent

  return {
    add(number, hash) {
      const page = Math.floor(number / pageLength)
      const hashes = pages.get(page) ?? new BigUint64Array(pageLength)
      pages.set(page, hashes)
      const value = entryFor(hash)
      const known = hashes[number % pageLength] ?? absent
      hashes[number % pageLength] = known === absent || known === value ? value : conflict
      lastNumber = Math.max(lastNumber, number)
    },
    state(number) {
      const value = at(number)
      return value === absent ? 'absent' : value === conflict ? 'conflict' : 'whole'
    },
    runEnd(number) {
      let next = number
      for (let value = at(next); value !== absent && value !== conflict; value = at(next)) next += 1
      return next === number ? undefined : next - 1
    },
    nextAt(number) {
      for (let page = Math.floor(number / pageLength); page * pageLength <= lastNumber; page = nextPage(pages, page)) {
        const hashes = pages.get(page)
        const first = Math.max(number - page * pageLength, 0)
        const found = hashes?.findIndex((value, index) => index >= first && value !== absent) ?? -1
        if (found !== -1) return page * pageLength + found
      }
      return undefined
    },
  }
}

const pageLength = 256
const absent = 0n
const conflict = 0xffff_ffff_ffff_ffffn

/** The hash as a number; the two that mean something else here take their neighbour's place. */
function entryFor(hash: string): bigint {
  const value = BigInt(`0x${hash}`)
  return value === absent ? 1n : value === conflict ? conflict - 1n : value
}

// Pages may be far apart: a cluster's second archive begins where nobody knows.
function nextPage(pages: ReadonlyMap<number, BigUint64Array>, page: number): number {
  if (pages.has(page + 1)) return page + 1
  let next = Number.POSITIVE_INFINITY
  for (const known of pages.keys()) if (known > page && known < next) next = known
  return next
}
