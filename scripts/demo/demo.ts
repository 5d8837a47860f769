import type { TestPostgres } from '../../test/servers/postgres.js'
import type { Control } from './ask-temporal.js'
import type { Places } from './places.js'
import type { Servers } from './start-servers.js'
import type { Story } from './story.js'

/** What the chapters share. */
export interface Demo {
  readonly story: Story
  readonly places: Places
  readonly servers: Servers
  readonly source: TestPostgres
  readonly control: Control
  /** Ends the demo early: Ctrl-C. */
  readonly signal: AbortSignal
}
