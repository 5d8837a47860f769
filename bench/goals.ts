import { formatBytes } from '../src/domain/quantity.js'
import type { ContenderName } from './contender.js'
import type { Flatness } from './flatness.js'
import type { Replay, ReplayerName } from './replay.js'
import type { Summary } from './summary.js'

export interface Goal {
  readonly what: string
  readonly wanted: string
  readonly found: string
  readonly verdict: 'met' | 'missed' | 'not measured'
}

const memoryLimitBytes = 400e6
/** What four times the data may add: more would be a buffer that grows with it. */
const flatLimit = 1.15

/** What Holdfast promises of itself. */
export function judge(summaries: readonly Summary[], flatness: readonly Flatness[], { summaries: replays }: Replay): Goal[] {
  const of = (name: ContenderName) => summaries.find(({ contender }) => contender === name)
  const ours = of('holdfast')
  const peaks = [ours?.backup, ours?.restore, ...flatness.flatMap(({ backup, restore }) => [backup, restore])].map(
    (figures) => figures?.peakBytes,
  )
  const growths = (['backup', 'restore'] as const).map((what) =>
    ratio(flatness.at(-1)?.[what].peakBytes, flatness[0]?.[what].peakBytes),
  )
  const againstPgBackRest = ratio(ours?.backup.wallMs, of('pgbackrest')?.backup.wallMs)
  const againstBound = ratio(ours?.backup.wallMs, of('bound')?.backup.wallMs)
  const restore = ratio(ours?.restore?.wallMs, of('pgbackrest')?.restore?.wallMs)
  const replayed = (name: ReplayerName) => replays.find(({ replayer }) => replayer === name)?.wallMs
  return [
    atMost('time of a backup, against pgBackRest', 0.5, againstPgBackRest, factor),
    atMost("time of a backup, against PostgreSQL's own copy into a directory", 1.6, againstBound, factor),
    atMost('time of a restore, against pgBackRest', 0.9, restore, factor),
    atMost(
      'time of replaying archived WAL, against `cp` from a directory',
      1.15,
      ratio(replayed('holdfast'), replayed('cp')),
      factor,
    ),
    atMost('memory of worker and jobs together', memoryLimitBytes, highest(peaks), formatBytes),
    atMost(
      'memory with the largest data, against the smallest',
      flatLimit,
      flatness.length < 2 ? undefined : highest(growths),
      factor,
    ),
  ]
}

function atMost(what: string, limit: number, found: number | undefined, show: (value: number) => string): Goal {
  const wanted = `≤ ${show(limit)}`
  if (found === undefined) return { what, wanted, found: '-', verdict: 'not measured' }
  return { what, wanted, found: show(found), verdict: found <= limit ? 'met' : 'missed' }
}

function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined ? undefined : ours / theirs
}

function highest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

const factor = (value: number): string => `${value.toFixed(2)} ×`
