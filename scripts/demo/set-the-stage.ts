import { formatBytes } from '../../src/domain/quantity.js'
import { startPostgres } from '../../test/servers/postgres.js'
import { connectControl } from './ask-temporal.js'
import type { Demo } from './demo.js'
import { fillSource, sizeOf } from './fill-source.js'
import { shortPath } from './holdfast.js'
import type { Places } from './places.js'
import { startServers } from './start-servers.js'
import type { Story } from './story.js'
import { writeConfiguration } from './write-configuration.js'

/** What two cores take that have nothing else to do. */
const usualFillMs = 10_000

/** Servers, data and configuration. */
export async function setTheStage(story: Story, places: Places, signal: AbortSignal): Promise<Demo> {
  story.chapter('The stage: real servers on free loopback ports, and a database to lose')
  const servers = await startServers(places)
  signal.throwIfAborted()
  story.say(`Temporal    ${servers.temporal.address}, web UI ${servers.uiAddress} (pid ${servers.temporal.pid})`)
  story.say(`S3 server   ${servers.s3.endpoint} (versitygw, pid ${servers.s3.pid})`)
  const settings = { archive_mode: 'on', archive_command: '/bin/true', max_slot_wal_keep_size: '2GB' }
  const source = await startPostgres({ major: 15, directory: places.directory, tablespace: true, settings })
  story.say(`PostgreSQL  ${source.host}:${source.port} (version 15, a tablespace of its own, archiving on)`)
  signal.throwIfAborted()
  const startedAt = performance.now()
  await fillSource(source)
  const slowness = (performance.now() - startedAt) / usualFillMs
  signal.throwIfAborted()
  story.proof(`filled: ${formatBytes(await sizeOf(source))} in all databases`)
  await writeConfiguration(places, servers, source, slowness)
  story.say(`configuration, keys, repositories: ${shortPath(places.configFile)} and beside it`)
  return { story, places, servers, source, signal, control: await connectControl(servers.temporal.address) }
}
