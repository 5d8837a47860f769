import { HoldfastError, toHoldfastError } from '../../../domain/errors.js'
import { askServer } from '../ask-server.js'
import type { Connection } from '../connection.js'
import type { PostgresEngineOptions } from '../options.js'
import { parseServerAddress } from '../server-address.js'

/**
 * Drops a slot on every host. One that is away keeps its own, and fills its disk when it is back: it is no success.
 * @returns labels of the servers that had one
 * @throws the first failure, naming all hosts that may still have one, once the others have none
 */
export async function dropEverywhere(options: PostgresEngineOptions, slot: string, signal: AbortSignal): Promise<string[]> {
  const dropped: string[] = []
  const failed: { readonly label: string; readonly problem: HoldfastError }[] = []
  for (const address of options.hosts.map(parseServerAddress)) {
    try {
      if (await askServer(options, { address }, signal, (connection) => dropSlot(connection, slot))) dropped.push(address.label)
    } catch (error) {
      signal.throwIfAborted()
      failed.push({ label: address.label, problem: toHoldfastError(error) })
    }
  }
  const [first] = failed
  if (first === undefined) return dropped
  const message = `the replication slot ${slot} may still be on ${failed.map(({ label }) => label).join(', ')}: ${first.problem.message}`
  throw new HoldfastError(first.problem.code, message, {
    hint: `repeat it when the server is back, or run \`select pg_drop_replication_slot('${slot}')\` there; take a host that is gone for good out of connection.hosts, and repeat it`,
    cause: first.problem,
  })
}

/** @returns whether there was one */
async function dropSlot(connection: Connection, name: string): Promise<boolean> {
  const dropped = await connection.rows(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and slot_type = 'physical'`,
    [name],
  )
  return dropped.length > 0
}
