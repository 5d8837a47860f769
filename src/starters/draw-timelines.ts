import type { RecoveryWindow, WindowSpan, WindowTimeline } from '../domain/recovery-window.js'

/** How a picture may look: with lines where somebody watches, in plain characters where it goes into a file or a program. */
export type Terminal = 'terminal' | 'plain'

const glyphs = {
  terminal: { base: '◆', span: '━', gap: '×', promotion: '└', nothing: ' ' },
  plain: { base: 'B', span: '=', gap: 'x', promotion: '^', nothing: ' ' },
} as const

/** Columns of the picture without the names of the timelines; 78 in all. */
const width = 64

/**
 * What can be restored on the way to each timeline, from left to right, from the earliest moment to now: bases, spans, gaps between
 * spans, and where a timeline left the one before it. Ways that only repeat the beginning of another are left out.
 */
export function drawTimelines(window: RecoveryWindow, now: Date, terminal: Terminal): string[] {
  const shown = window.timelines.filter((timeline) => timeline.current || addsTo(window, timeline))
  const spans = shown.flatMap((timeline) => spansOf(window, timeline))
  if (spans.length === 0) return []
  const begin = Math.min(...spans.map(({ from }) => Date.parse(from.at)))
  const end = Math.max(now.getTime(), ...spans.map(({ to }) => Date.parse(to.at)))
  const columnOf = (at: string) => (end === begin ? 0 : Math.round(((Date.parse(at) - begin) / (end - begin)) * (width - 1)))
  const { base, span, gap, promotion } = glyphs[terminal]
  const axis = [begin, end].map((at) => `${new Date(at).toISOString().slice(0, 16)}Z`)
  return [
    ...shown.map((timeline) => drawRow(window, timeline, columnOf, terminal)),
    `  ${' '.repeat(labelWidth)}${axis.join(' '.repeat(width - axis.join('').length))}`,
    `  ${base} base  ${span} can be restored  ${gap} gap  ${promotion} promotion`,
  ]
}

const labelWidth = 12

function drawRow(window: RecoveryWindow, timeline: WindowTimeline, columnOf: (at: string) => number, terminal: Terminal): string {
  const { base, span, gap, promotion, nothing } = glyphs[terminal]
  const cells: string[] = Array.from({ length: width }, () => nothing)
  const paint = (from: number, to: number, glyph: string) => cells.fill(glyph, from, to + 1)
  const spans = spansOf(window, timeline)
  for (const [index, { from, to }] of spans.entries()) {
    const next = spans[index + 1]
    if (next !== undefined) paint(columnOf(to.at), columnOf(next.from.at), gap)
    paint(columnOf(from.at), columnOf(to.at), span)
  }
  if (timeline.archivedAt !== undefined) {
    const column = Math.min(Math.max(columnOf(timeline.archivedAt), 0), width - 1)
    cells[column] = promotion
  }
  for (const known of spans.flatMap(({ bases }) => bases)) cells[columnOf(known.stoppedAt)] = base
  return `  ${`timeline ${timeline.timeline}`.padEnd(labelWidth)}${cells.join('')}`.trimEnd()
}

function spansOf({ spans }: RecoveryWindow, { timeline, systemIdentifier }: WindowTimeline): WindowSpan[] {
  return spans.filter((span) => span.timeline === timeline && span.systemIdentifier === systemIdentifier)
}

/** A way that reaches further, or has another base, than the one to the current timeline. */
function addsTo(window: RecoveryWindow, timeline: WindowTimeline): boolean {
  const current = window.timelines.find((known) => known.current && known.systemIdentifier === timeline.systemIdentifier)
  const shown = current === undefined ? [] : spansOf(window, current)
  const latest = Math.max(0, ...shown.map(({ to }) => Date.parse(to.at)))
  const bases = new Set(shown.flatMap((span) => span.bases.map(({ backup }) => backup)))
  return spansOf(window, timeline).some(
    (span) => Date.parse(span.to.at) > latest || span.bases.some(({ backup }) => !bases.has(backup)),
  )
}
