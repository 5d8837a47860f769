import { restoreWorkflowId } from '../../src/domain/contract-names.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import type { Demo } from './demo.js'
import { runHoldfast } from './holdfast.js'
import { type Login, readContents } from './read-contents.js'
import { provenUntil } from './tell-archiving.js'
import { tellComparison } from './tell-restore.js'
import { system } from './write-configuration.js'

const instance = 'shop-before-the-drop'

/** A table is dropped, and comes back in a server restored to the moment before. @returns how to log in to that */
export async function tellMistake(demo: Demo): Promise<Login> {
  const { story, places, control, source } = demo
  story.chapter('Somebody drops a table')
  const before = await readContents(source)
  const moment = await clockOf(demo)
  story.command('psql shop -c "DROP TABLE orders"')
  await source.sql('drop table orders', 'shop')
  await source.sql(`insert into customers values (0, 'somebody who came later', '')`, 'shop')
  const [row] = await source.sql<{ gone: boolean }>(`select to_regclass('orders') is null as gone`, 'shop')
  if (row?.gone === true) story.proof(`the original has no table orders any more; it had until ${moment}`)
  else story.objection('the table is still there')
  await provenUntil(demo, Date.parse(await clockOf(demo)))
  await runHoldfast(story, places, 'window', system)

  story.chapter('Restore to the moment before, beside the original, and compare')
  await runHoldfast(story, places, 'restore', system, '--name', instance, '--to', moment)
  const { connection } = await control.report<RestoreReport>(restoreWorkflowId(instance))
  const restored: Login = { host: connection.host, port: connection.port, user: source.user, password: source.password }
  demo.signal.throwIfAborted()
  tellComparison(demo, before, await readContents(restored))
  return restored
}

/** The server's own, as `--to` takes it. */
async function clockOf({ source }: Demo): Promise<string> {
  const [row] = await source.sql<{ at: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
  )
  return row?.at ?? ''
}
