import { join } from 'node:path'
import type { Demo } from './demo.js'
import { commandLine, shortPath } from './holdfast.js'
import type { Login } from './read-contents.js'
import { system } from './write-configuration.js'

interface Restored {
  readonly restored: Login
  readonly beforeMistake: Login
}

/** What happened, and where to look, now or with KEEP=1. */
export function tellEnding(
  { story, places, servers, source }: Demo,
  { restored, beforeMistake }: Restored,
  kept: 'kept' | 'ends',
): void {
  story.chapter('Summary')
  if (story.objections.length === 0) story.proof(`everything as it should be, in ${story.elapsed()}`)
  else story.say(`FAILED: not as it should be is what is marked ✘ above (${story.objections.length})`)
  if (kept === 'ends') {
    story.say('All of it is stopped and removed now. To look around: make demo KEEP=1')
    return
  }
  const psql = (port: number) =>
    `PGPASSFILE=${shortPath(join(places.keyDirectory, 'pgpass'))} psql -h ${source.host} -p ${port} -U ${source.user} shop`
  story.say('It is left running. Look around:')
  story.say(`  Temporal     ${servers.uiAddress}`)
  story.say(`  backups      ${commandLine(places, 'ls')}`)
  story.say(`  instances    ${commandLine(places, 'instances', 'ls')}`)
  story.say(`  moments      ${commandLine(places, 'window', system)}`)
  story.say(`  once more    ${commandLine(places, 'backup', system)}`)
  story.say(`  original     ${psql(source.port)}`)
  story.say(`  restored     ${psql(restored.port)}`)
  story.say(`  before DROP  ${psql(beforeMistake.port)}`)
  story.say(`  repositories find ${shortPath(places.localRepository)} ${shortPath(places.bucketDirectory)} -type f`)
  story.say(`  worker's log ${shortPath(places.workerLog)}`)
  story.say('Stop and remove it: make demo-stop')
}
