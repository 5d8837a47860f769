import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endOwnProcesses } from '../scripts/demo/own-processes.js'
import { type Places, placesBelow } from '../scripts/demo/places.js'
import { showLogs } from '../scripts/demo/show-logs.js'
import { createStory } from '../scripts/demo/story.js'
import { compare } from './compare.js'
import { expectFree } from './machine.js'
import { renderResults } from './render-results.js'
import { saveResults } from './results.js'
import { readSettings, type Settings } from './settings.js'
import { writeDocs } from './write-docs.js'

/*
 * `make bench`: backups and restores of the same server with Holdfast and with others. Exit status: 0 measured, whatever the goals
 * say; 1 something failed or is missing; 130 left with Ctrl-C.
 */

/** At scale 1: the server, two repositories, a restored server, WAL, and what the others store. */
const bytesAtScaleOne = 25e9
/** Several times what a quiet machine takes: something hangs. */
const longestMs = 90 * 60_000
/** Unix sockets of jobs and servers lie below it, and a socket's path holds 107 bytes. */
const longestPath = 50

const story = createStory(process.stdout, process.env)
const places = placesBelow(directoryFor(process.cwd()))
const left = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => left.abort('left'))
setTimeout(() => left.abort(new Error(`not done after ${longestMs / 60_000} minutes`)), longestMs)
process.exit(await bench().catch(explain))

async function bench(): Promise<number> {
  const settings = readSettings(process.env)
  // What a run leaves that is killed.
  await clear(places)
  await expectFree(tmpdir(), bytesAtScaleOne * settings.scale + 1e9)
  await Promise.race([measureAll(settings), aborted(left.signal)])
  await clear(places)
  return story.objections.length === 0 ? 0 : 1
}

async function measureAll(settings: Settings): Promise<void> {
  const results = await compare(settings, places, story, left.signal)
  const file = await saveResults(results)
  const figures = renderResults(results)
  story.chapter('Results')
  process.stdout.write(`\n${figures}\n\n`)
  story.say(`${file} holds every figure`)
  if (settings.docs === 'written') await writeDocs(figures)
}

async function explain(error: unknown): Promise<number> {
  // Whatever broke off because of it says less.
  const reason: unknown = left.signal.aborted ? left.signal.reason : error
  if (reason === 'left') story.say('left; everything is being stopped')
  else {
    story.objection(reason instanceof Error ? reason.message : String(reason))
    await showLogs(story, places)
  }
  left.abort(reason)
  await clear(places)
  return reason === 'left' ? 130 : 1
}

async function clear({ directory }: Places): Promise<void> {
  await endOwnProcesses(directory)
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** The same for each run of a checkout, so that a run finds what one before it left. */
function directoryFor(checkout: string): string {
  const name = createHash('sha256').update(checkout).digest('hex').slice(0, 8)
  const directory = join(tmpdir(), `holdfast-bench-${name}`)
  if (directory.length > longestPath)
    throw new Error(`${directory} is too long for sockets below it: set TMPDIR to a shorter path`)
  return directory
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}
