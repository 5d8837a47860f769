import { rm } from 'node:fs/promises'
import type { Demo } from './demo.js'
import { claimDemo, endRunningDemo } from './one-at-a-time.js'
import { endOwnProcesses } from './own-processes.js'
import { findPlaces, type Places } from './places.js'
import { setTheStage } from './set-the-stage.js'
import { showLogs } from './show-logs.js'
import { createStory, type Story } from './story.js'
import { tellArchiving } from './tell-archiving.js'
import { tellBackup } from './tell-backup.js'
import { tellEnding } from './tell-ending.js'
import { tellMistake } from './tell-mistake.js'
import { tellRestore } from './tell-restore.js'

/*
 * `make demo`: a backup and restores on real servers, with processes killed in the middle, and a table that was dropped.
 * `make demo-stop` ends a kept one.
 * Exit status: 0 all as it should be, 1 something differs or failed, 130 left with Ctrl-C.
 */

const kept = ['', '0', 'no'].includes(process.env.KEEP ?? '') ? 'ends' : 'kept'
const story = createStory(process.stdout, process.env)
const places = await findPlaces()
process.exit(process.argv[2] === 'stop' ? await stop() : await demonstrate())

async function stop(): Promise<number> {
  await endRunningDemo(places)
  const ended = await clear(places)
  story.say(ended === 0 ? 'no demo is left running' : `the demo is stopped (${ended} processes) and removed`)
  return 0
}

async function demonstrate(): Promise<number> {
  const other = await claimDemo(places)
  if (other !== undefined) {
    story.objection(`a demo runs already, pid ${other}; \`make demo-stop\` ends it`)
    return 1
  }
  const cleared = await clear(places)
  if (cleared > 0) story.say(`an earlier demo is stopped (${cleared} processes) and removed`)
  const left = new AbortController()
  // Listening to the end: with nobody left to listen, execa's own listener would end the process before it has cleaned up.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => left.abort(new Error('left')))
  try {
    const status = await Promise.race([tell(left.signal), aborted(left.signal)])
    if (kept === 'ends') await clear(places)
    return status
  } catch (error) {
    if (!left.signal.aborted) await explain(story, error)
    story.say('everything is being stopped')
    await endOwnProcesses(places.directory)
    if (left.signal.aborted) await clear(places)
    return left.signal.aborted ? 130 : 1
  }
}

async function tell(signal: AbortSignal): Promise<number> {
  const demo: Demo = await setTheStage(story, places, signal)
  await tellBackup(demo)
  const quietSince = Date.now()
  const restored = await tellRestore(demo)
  await tellArchiving(demo, quietSince)
  const beforeMistake = await tellMistake(demo)
  tellEnding(demo, { restored, beforeMistake }, kept)
  await demo.control.close()
  return story.objections.length === 0 ? 0 : 1
}

async function explain(to: Story, error: unknown): Promise<void> {
  to.objection(error instanceof Error ? error.message : String(error))
  await showLogs(to, places)
}

/** @returns how many processes were ended */
async function clear({ directory }: Places): Promise<number> {
  const ended = await endOwnProcesses(directory)
  await rm(directory, { recursive: true, force: true })
  return ended.length
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}
