import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.js'
import { databaseDefinitionSchema, neededRoleSchema } from './database-definition.js'

const tableSchema = z.object({
  oid: z.string().optional(),
  /** `catalogue OID:OID` of what goes with it: indexes, constraints, triggers, sequences, partitions. */
  parts: z.array(z.string()).optional(),
  /** OIDs of sequences its columns take their defaults from, also another table's. */
  sequences: z.array(z.string()).optional(),
  schema: z.string(),
  name: z.string(),
  /** `relkind`: r table, p partitioned, m materialized view, f foreign. */
  kind: z.string(),
  /** `relpersistence`: p permanent, u unlogged (empty after a restore). */
  persistence: z.string(),
  /** From the last ANALYZE; -1 when there was none. */
  estimatedRows: z.number(),
})

const databaseSchema = z.object({
  oid: z.string().optional(),
  name: z.string(),
  collation: z.string(),
  definition: databaseDefinitionSchema.optional(),
  roles: z.array(neededRoleSchema).optional(),
  /** The rules it was made with, as PostgreSQL recorded them. Absent before 15 and for C. */
  collationVersion: z.string().optional(),
  /** The rules of the operating system it runs on. */
  actualCollationVersion: z.string().optional(),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
  /** All of its own, also those without tables. */
  schemas: z.array(z.string()).optional(),
  tables: z.array(tableSchema),
  /** SHA-256 over an ordered dump of the catalogue. */
  fingerprint: z.string(),
  /** Rows written to the catalogue since the server counts them: definitions changed, and perhaps changed back. */
  catalogWrites: z.string(),
  /** `changed`: definitions were altered while the backup ran, so a restored one may be either. */
  during: z.enum(['unchanged', 'changed']),
})

const inventorySchema = z.object({
  version: z.literal(1),
  takenAt: z.string(),
  serverVersion: z.string(),
  /** A superuser that may log in, initdb's own before others: it is not always called postgres. */
  superuser: z.string(),
  /** A database that can be connected to. */
  connectDatabase: z.string(),
  databases: z.array(databaseSchema),
  /** Databases whose contents could not be listed, and why. */
  unread: z.array(z.object({ oid: z.string().optional(), database: z.string(), reason: z.string() })),
  /** Databases that an interrupted DROP DATABASE left. They are in copies of the files, and of no use to anybody. */
  interrupted: z.array(z.string()).optional(),
  roles: z.number(),
  /** What databases are made with unless they say otherwise. */
  defaults: z.object({ encoding: z.string(), collate: z.string(), ctype: z.string() }).optional(),
  tablespaces: z.array(z.object({ oid: z.string(), name: z.string(), location: z.string() })),
  /** Settings that are not the default, with units. */
  settings: z.record(z.string(), z.string()),
  paths: z.object({
    dataDirectory: z.string().optional(),
    configFile: z.string().optional(),
    hbaFile: z.string().optional(),
    identFile: z.string().optional(),
  }),
})

/** What the server held, as the artifact `inventory.json` keeps it. */
export type Inventory = z.infer<typeof inventorySchema>
export type InventoryDatabase = Inventory['databases'][number]
export type InventoryTable = InventoryDatabase['tables'][number]

/** @throws HoldfastError ARTIFACT_DAMAGED */
export function parseInventory(text: string): Inventory {
  try {
    return inventorySchema.parse(JSON.parse(text))
  } catch (error) {
    throw new HoldfastError('ARTIFACT_DAMAGED', 'the inventory of the backup cannot be understood', { cause: error })
  }
}

/**
 * Joins two looks at a server, one before and one after a backup: definitions nobody touched in between were the same at the
 * moment the backup ends on; of others nobody can say. Databases made or dropped meanwhile are left out: they may be in the
 * backup or not.
 */
export function compareInventories(before: Inventory, after: Inventory): Inventory {
  const earlier = new Map(before.databases.map((database) => [database.name, database]))
  const unread = before.unread.map(({ database }) => database)
  const wasThere = (name: string) => earlier.has(name) || unread.includes(name)
  const isUntouched = (database: InventoryDatabase) => {
    const known = earlier.get(database.name)
    return known?.fingerprint === database.fingerprint && known.catalogWrites === database.catalogWrites
  }
  return {
    ...after,
    databases: after.databases
      .filter(({ name }) => wasThere(name))
      .map((database) => ({
        ...database,
        roles: rolesOfBoth(earlier.get(database.name)?.roles, database.roles),
        during: isUntouched(database) ? 'unchanged' : 'changed',
      })),
    unread: after.unread.filter(({ database }) => wasThere(database)),
  }
}

/** A role that is needed no more may have been when its database was dumped. */
function rolesOfBoth(earlier: InventoryDatabase['roles'] = [], later: InventoryDatabase['roles'] = []) {
  return [...later, ...earlier.filter(({ name }) => !later.some((role) => role.name === name))]
}

/** What one look alone tells of the moment the backup ends on: nothing that would be worth comparing. */
export function withoutSecondLook(before: Inventory): Inventory {
  return { ...before, databases: before.databases.map((database) => ({ ...database, during: 'changed' })) }
}

/** For the manifest, which is plain: names of databases are nobody's business, and are in the inventory with the reasons. */
export function notesOnUnread({ unread, interrupted = [] }: Inventory): string[] {
  const were = (count: number) => (count === 1 ? '1 database was' : `${count} databases were`)
  return [
    ...(unread.length === 0 ? [] : [`${were(unread.length)} not inspected; the inventory names the reasons`]),
    ...(interrupted.length === 0
      ? []
      : [
          `${were(interrupted.length)} left behind by an interrupted DROP DATABASE, which should be repeated; the inventory has names`,
        ]),
  ]
}
