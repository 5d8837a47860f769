import type { Inventory } from '../inventory.js'
import { installationDirectories, missingLibraries, preloadedLibraries } from '../preloaded-libraries.js'
import type { Assignment } from '../settings-file.js'

/** What a server has to load at its start, so that the extensions of a dump can be made in it. */
export interface Preload {
  readonly settings: readonly Assignment[]
  /** What the original loads and this host does not have; an extension that needs one is named when it cannot be made. */
  readonly absent: readonly string[]
}

/** What the original loaded, where this host has it: a dump does not tell which of its extensions insist on that. */
export async function choosePreload(inventory: Inventory, binDirectory: string, signal: AbortSignal): Promise<Preload> {
  const needed = insistingOf(inventory)
  const original = preloadedLibraries(inventory)
  const directories = await installationDirectories(binDirectory, signal)
  const wanted = [...original, ...needed.filter((name) => !original.includes(name))]
  // A server that is told to load what is not there does not start.
  const absent =
    directories === undefined ? original.filter((name) => !needed.includes(name)) : await missingLibraries(wanted, directories)
  const loaded = wanted.filter((name) => !absent.includes(name))
  if (loaded.length === 0) return { settings: [], absent }
  return { settings: [{ name: 'shared_preload_libraries', value: loaded.join(', ') }, ...homeOfCron(inventory)], absent }
}

/** Extensions known to insist, by the names of their libraries: roles without pg_read_all_settings cannot see what is loaded. */
const insisting = ['citus', 'timescaledb', 'pg_cron', 'pgaudit']

function insistingOf({ databases }: Inventory): string[] {
  const used = new Set(databases.flatMap(({ extensions }) => extensions.map(({ name }) => name)))
  return insisting.filter((name) => used.has(name))
}

/** pg_cron can be made in one database alone, which it has to be told at the start; it was made there. */
function homeOfCron({ databases }: Inventory): Assignment[] {
  const home = databases.find(({ extensions }) => extensions.some(({ name }) => name === 'pg_cron'))
  return home === undefined ? [] : [{ name: 'cron.database_name', value: home.name }]
}
