import type { Connection } from '@temporalio/client'
import { HoldfastError } from '../domain/errors.js'
import { searchAttributes } from '../domain/search-attributes.js'

/**
 * Makes Holdfast's search attributes known to a namespace; what is known already stays as it is. Safe to call from several workers
 * at once. Workflows started before it fail at the server.
 * @throws HoldfastError CONTROL_PLANE when Temporal refuses or is away; CONFIG_INVALID when a name is taken with another type
 */
export async function registerSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> {
  try {
    const present = await connection.operatorService.listSearchAttributes({ namespace })
    const names = Object.values(searchAttributes).map(({ name }) => name)
    for (const name of names) refuseOtherType(name, present.customAttributes?.[name], namespace)
    const missing = names.filter((name) => present.customAttributes?.[name] === undefined)
    if (missing.length === 0) return
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, indexedKeyword])),
    })
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    if (isAlreadyExists(error)) return
    const reason = error instanceof Error ? error.message : String(error)
    throw new HoldfastError('CONTROL_PLANE', `cannot register search attributes in the namespace ${namespace}: ${reason}`, {
      cause: error,
    })
  }
}

/** `INDEXED_VALUE_TYPE_KEYWORD` of temporal.api.enums.v1. */
const indexedKeyword = 2

function refuseOtherType(name: string, type: number | null | undefined, namespace: string): void {
  if (type === null || type === undefined || type === indexedKeyword) return
  throw new HoldfastError('CONFIG_INVALID', `the search attribute ${name} of the namespace ${namespace} is not a Keyword`, {
    hint: `use another namespace, or remove it with \`temporal operator search-attribute remove --name ${name}\``,
  })
}

/** gRPC status 6: another worker was quicker. */
function isAlreadyExists(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 6
}
