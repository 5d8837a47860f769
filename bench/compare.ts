import type { Places } from '../scripts/demo/places.js'
import type { Story } from '../scripts/demo/story.js'
import { formatBytes } from '../src/domain/quantity.js'
import { holdfastArchiver, pgBackRestArchiver } from './archivers.js'
import { type Archiver, measureArchiving } from './archiving.js'
import { baseBackup } from './base-backup.js'
import type { Contender } from './contender.js'
import { fillComparison, fillLarge, fillSmall, sourceBytes } from './fill-source.js'
import { type Flatness, measureFlatness } from './flatness.js'
import { judge } from './goals.js'
import { holdfast } from './holdfast.js'
import { describeMachine } from './machine.js'
import { pgDump } from './pg-dump.js'
import { pgBackRest } from './pgbackrest.js'
import { findAws, findPgBackRest } from './programs.js'
import { measureReplay } from './replay.js'
import type { Results } from './results.js'
import { runSeries } from './series.js'
import type { Settings } from './settings.js'
import { type Stage, setStage } from './stage.js'
import { summarise } from './summary.js'

/** Everything that is measured. One server grows: small for the memory, then what is compared, then large for the memory. */
export async function compare(settings: Settings, places: Places, story: Story, signal: AbortSignal): Promise<Results> {
  const startedAt = new Date().toISOString()
  const replay = await measureReplay(settings, places, story, signal)
  story.chapter('Servers: PostgreSQL, an S3 store with TLS, Temporal, a worker')
  const stage = await setStage(places, signal)
  const machine = await describeMachine(places.directory, await versionOf(stage))
  const { contender: ours, workerPid } = await holdfast(stage)
  const { contenders, archivers: others, tools } = await othersOn(stage, story)
  const archivers = [holdfastArchiver(stage, workerPid), ...others]

  const flatness: Flatness[] = []
  const flat = async (fill: typeof fillSmall) => {
    await fill(stage, settings.scale)
    const found = await measureFlatness(stage, ours)
    flatness.push(found)
    const [backup, restore] = [found.backup.peakBytes, found.restore.peakBytes].map(formatBytes)
    story.proof(`${formatBytes(found.dataBytes)}: backup ${backup}, restore ${restore} of memory`)
  }
  story.chapter('Memory of Holdfast, with little data')
  await flat(fillSmall)
  story.chapter('Comparison')
  await fillComparison(stage, settings.scale)
  const dataBytes = await sourceBytes(stage.source)
  story.say(`${formatBytes(dataBytes)} of data`)
  const turns = await runSeries([ours, ...contenders], settings.runs, story, signal)
  story.chapter('Archiving of WAL')
  const archiving = await measureArchiving(stage, archivers, settings.scale, story)
  story.chapter('Memory of Holdfast, with much data')
  await flat(fillLarge)

  const summaries = summarise(turns)
  const goals = judge(summaries, flatness, replay)
  const { scale, runs } = settings
  const endedAt = new Date().toISOString()
  return { startedAt, endedAt, scale, runs, dataBytes, machine, tools, turns, summaries, flatness, archiving, replay, goals }
}

/** What can be compared with on this machine. */
async function othersOn(
  stage: Stage,
  story: Story,
): Promise<{ contenders: Contender[]; archivers: Archiver[]; tools: Record<string, string> }> {
  const [aws, rest] = await Promise.all([findAws(), findPgBackRest(process.env)])
  if (aws === undefined) story.objection('without the AWS command line: pg_dump is left out')
  if (rest === undefined)
    story.objection('without pgBackRest (PGBACKREST names one; as root on Debian it is installed): left out')
  return {
    contenders: [
      ...(rest === undefined ? [] : [await pgBackRest(stage, rest.path)]),
      ...(aws === undefined ? [] : [pgDump(stage, aws.path)]),
      baseBackup(stage),
    ],
    archivers: rest === undefined ? [] : [await pgBackRestArchiver(stage, rest.path)],
    tools: { pgBackRest: rest?.version ?? 'no pgBackRest', aws: aws?.version ?? 'no AWS command line' },
  }
}

async function versionOf({ source }: Stage): Promise<string> {
  const [row] = await source.sql<{ server_version: string }>('show server_version')
  return row?.server_version.split(' ')[0] ?? ''
}
