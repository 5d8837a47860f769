import type { Content } from './read-contents.js'

export interface Comparison {
  readonly name: string
  readonly original: Content | undefined
  readonly restored: Content | undefined
  readonly verdict: 'same' | 'different' | 'missing' | 'additional'
}

/** One line for each thing that either server holds. */
export function compareContents(original: readonly Content[], restored: readonly Content[]): Comparison[] {
  const names = [...new Set([...original, ...restored].map(({ name }) => name))].sort()
  return names.map((name) => {
    const before = original.find((content) => content.name === name)
    const after = restored.find((content) => content.name === name)
    return { name, original: before, restored: after, verdict: verdictOf(before, after) }
  })
}

function verdictOf(before: Content | undefined, after: Content | undefined): Comparison['verdict'] {
  if (after === undefined) return 'missing'
  if (before === undefined) return 'additional'
  return before.rows === after.rows && before.digest === after.digest ? 'same' : 'different'
}

/** Lines of equal columns: name, rows and digest on both sides, verdict. */
export function renderComparison(comparisons: readonly Comparison[]): string[] {
  const head = ['', 'rows', 'restored', 'digest', 'restored', '']
  const rows = comparisons.map(({ name, original, restored, verdict }) => [
    name,
    String(original?.rows ?? '-'),
    String(restored?.rows ?? '-'),
    original?.digest.slice(0, 12) ?? '-',
    restored?.digest.slice(0, 12) ?? '-',
    verdict,
  ])
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) =>
    row
      .map((cell, column) => align(cell, column, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Numbers of rows end in one column. */
function align(cell: string, column: number, width: number): string {
  return column === 1 || column === 2 ? cell.padStart(width) : cell.padEnd(width)
}
