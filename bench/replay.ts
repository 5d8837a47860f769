import type { Places } from '../scripts/demo/places.js'
import type { Story } from '../scripts/demo/story.js'
import { formatBytes, formatDuration } from '../src/domain/quantity.js'
import { findPgBackRest } from './programs.js'
import { replayWithCp, replayWithPgBackRest } from './replay-commands.js'
import { replayWithHoldfast } from './replay-holdfast.js'
import { setReplayStage, sizes } from './replay-stage.js'
import type { Settings } from './settings.js'
import { median } from './summary.js'

/** In the order of the table. */
export const replayerNames = ['holdfast', 'holdfast-bucket', 'pgbackrest', 'cp'] as const
export type ReplayerName = (typeof replayerNames)[number]

/** One way of getting archived WAL to a recovering server. */
export interface Replayer {
  readonly name: ReplayerName
  /** @returns milliseconds from the moment in which all but the WAL is there until the server is promoted */
  replay(): Promise<number>
}

export interface Replay {
  readonly walBytes: number
  readonly turns: readonly { readonly replayer: ReplayerName; readonly wallMs: number }[]
  readonly summaries: readonly ReplaySummary[]
}

export interface ReplaySummary {
  readonly replayer: ReplayerName
  readonly wallMs: number
  readonly wallSpanMs: readonly [number, number]
}

/** The same WAL, replayed by the same server from the same state, out of four archives. */
export async function measureReplay(settings: Settings, places: Places, story: Story, signal: AbortSignal): Promise<Replay> {
  story.chapter('Replay of archived WAL')
  const pgBackRest = await findPgBackRest(process.env)
  const stage = await setReplayStage(places, pgBackRest?.path, signal)
  try {
    const walBytes = await stage.archive(sizes.walBytes * settings.scale)
    story.say(`${formatBytes(walBytes)} of WAL`)
    const replayers = [
      replayWithHoldfast(stage, 'holdfast'),
      replayWithHoldfast(stage, 'holdfast-bucket'),
      ...(pgBackRest === undefined ? [] : [replayWithPgBackRest(stage, pgBackRest.path)]),
      replayWithCp(stage),
    ]
    const turns: Replay['turns'][number][] = []
    for (let round = 0; round < settings.runs; round += 1) {
      const first = round % replayers.length
      for (const replayer of [...replayers.slice(first), ...replayers.slice(0, first)]) {
        const wallMs = await replayer.replay().catch((error: unknown) => failed(replayer, error))
        if (wallMs === undefined) continue
        turns.push({ replayer: replayer.name, wallMs })
        story.proof(`run ${round + 1} of ${settings.runs}: ${replayer.name}: ${formatDuration(wallMs)}`)
      }
    }
    return { walBytes, turns, summaries: summariesOf(turns) }
  } finally {
    await stage.close()
  }

  /** As in the comparison: a turn of another that fails is told, and no reason to lose the others. */
  function failed({ name }: Replayer, error: unknown): undefined {
    if (name.startsWith('holdfast') || signal.aborted) throw error
    story.objection(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function summariesOf(turns: Replay['turns']): ReplaySummary[] {
  return replayerNames.flatMap((replayer) => {
    const walls = turns.filter((turn) => turn.replayer === replayer).map(({ wallMs }) => wallMs)
    return walls.length === 0 ? [] : [{ replayer, wallMs: median(walls), wallSpanMs: [Math.min(...walls), Math.max(...walls)] }]
  })
}
