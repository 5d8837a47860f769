import { readFile, writeFile } from 'node:fs/promises'

const page = 'docs/performance.md'
const [begin, end] = ['<!-- measured: written by `BENCH_WRITE=1 make bench` -->', '<!-- end of measured -->']

/** Puts the figures of this run in the place of the last ones. */
export async function writeDocs(figures: string): Promise<void> {
  await writeFile(page, replaceMeasured(await readFile(page, 'utf8'), figures))
}

/** @throws when the markers are not there, once and in their order */
export function replaceMeasured(text: string, figures: string): string {
  const [before, rest, ...more] = text.split(begin)
  const [, after, ...evenMore] = rest?.split(end) ?? []
  if (before === undefined || after === undefined || more.length + evenMore.length > 0) {
    throw new Error(`${page} needs the lines "${begin}" and "${end}", once each`)
  }
  return `${before}${begin}\n\n${figures}\n\n${end}${after}`
}
