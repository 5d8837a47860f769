import type { BackupFigures, Contender, RestoreFigures } from './contender.js'
import { sourceBytes } from './fill-source.js'
import { takeTurn } from './series.js'
import type { Stage } from './stage.js'

/** What a backup and a restore of a server of one size take. */
export interface Flatness {
  readonly dataBytes: number
  readonly backup: BackupFigures
  readonly restore: RestoreFigures
}

/** One turn, at the size the source has now. */
export async function measureFlatness(stage: Stage, contender: Contender): Promise<Flatness> {
  const { backup, restore } = await takeTurn(contender)
  if (restore === undefined) throw new Error(`${contender.name} does not restore`)
  return { dataBytes: await sourceBytes(stage.source), backup, restore }
}
