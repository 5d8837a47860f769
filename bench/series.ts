import type { Story } from '../scripts/demo/story.js'
import { formatBytes, formatDuration } from '../src/domain/quantity.js'
import type { BackupFigures, Contender, ContenderName, RestoreFigures } from './contender.js'

/** One turn of one contender. */
export interface Turn {
  readonly contender: ContenderName
  readonly backup: BackupFigures
  readonly restore?: RestoreFigures
}

/** Rounds in which each has its turn, each round beginning with another: a disturbance or a warming machine meets all of them. */
export async function runSeries(
  contenders: readonly Contender[],
  runs: number,
  story: Story,
  signal: AbortSignal,
): Promise<Turn[]> {
  const turns: Turn[] = []
  for (let round = 0; round < runs; round += 1) {
    const first = round % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const turn = await takeTurn(contender).catch((error: unknown) => failed(contender, error))
      if (turn === undefined) continue
      turns.push(turn)
      story.proof(`run ${round + 1} of ${runs}: ${describeTurn(turn)}`)
    }
  }
  return turns

  /** A turn of another that fails is no reason to lose half an hour's figures; the run ends with a failure. */
  function failed({ name }: Contender, error: unknown): undefined {
    if (name === 'holdfast' || signal.aborted) throw error
    story.objection(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export async function takeTurn(contender: Contender): Promise<Turn> {
  await contender.prepare()
  const backup = await contender.backUp()
  const restore = await contender.restore?.()
  return { contender: contender.name, backup, ...(restore && { restore }) }
}

export function describeTurn({ contender, backup, restore }: Turn): string {
  const figures = ({ wallMs, peakBytes }: BackupFigures | RestoreFigures) =>
    `${formatDuration(wallMs)}, ${formatBytes(peakBytes)}`
  return `${contender}: backup ${figures(backup)}${restore === undefined ? '' : `; restore ${figures(restore)}`}`
}
