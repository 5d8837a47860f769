import type { Problem } from './problem.js'
import { entriesMatching } from './raw.js'

interface NotYet {
  /** `*` is any key. */
  readonly path: readonly string[]
  /** Which values; all where left out. */
  readonly values?: readonly string[]
  readonly what: string
  readonly instead: string
}

/**
 * What the format of the file has and this version does not do, where passing over it would let an operator believe that it is done.
 * Objectives and retention are not here: nothing bad follows from keeping too much or from a promise nobody measures yet.
 */
const notYet: readonly NotYet[] = [
  {
    path: ['systems', '*', 'engine'],
    values: ['redis', 'mysql', 'mariadb', 'mongodb', 'files', 'directory'],
    what: 'this engine',
    instead: 'write postgres instead, or remove the system',
  },
  {
    path: ['repositories', '*', 'store'],
    values: ['gcs', 'azure'],
    what: 'this store',
    instead: 'write filesystem or s3 instead',
  },
  ...['incremental', 'differential'].map((kind) => ({
    path: ['systems', '*', 'kinds', kind],
    what: `the kind ${kind}`,
    instead: 'remove it and write full: {} instead',
  })),
  {
    path: ['systems', '*', 'kinds', '*', 'schedule'],
    what: 'a schedule',
    instead: 'remove it and start `holdfast backup` from cron instead',
  },
  { path: ['systems', '*', 'verify'], what: 'scheduled verification', instead: 'remove it and restore by hand instead' },
  { path: ['systems', '*', 'drill'], what: 'the drill', instead: 'remove it and restore by hand instead' },
  {
    path: ['systems', '*', 'smokeTests'],
    what: 'running smoke tests',
    instead: 'remove it and query the restored instance by hand',
  },
  {
    path: ['repositories', '*', 'tiers'],
    what: 'moving backups to other storage classes',
    instead: 'remove it, or write storageClass',
  },
]

/** @param raw the file's content before validation */
export function findNotYetSupported(raw: unknown): Problem[] {
  return notYet.flatMap(({ path, values, what, instead }) =>
    entriesMatching(raw, path)
      .filter((entry) => values === undefined || (typeof entry.value === 'string' && values.includes(entry.value)))
      .map((entry) => ({ path: entry.path, text: `${what} is not yet supported by this version; ${instead}` })),
  )
}
