import { relative, resolve } from 'node:path'

/** Folders of `test` that never speak to the run's Temporal server: a run of these alone starts in no time. */
const without = [
  'catalog',
  'composition',
  'config',
  'domain',
  'engines',
  'golden',
  'jobs',
  'lint',
  'observability',
  'pipeline',
  'plain-tools',
  'process',
  'provisioners',
  'servers',
  'storage',
  'types',
]

/** Does any of these test files (absolute paths) want the Temporal server? What is not known does. */
export function needTemporal(files: readonly string[], root = resolve('test')): boolean {
  return files.some((file) => !without.some((folder) => relative(root, file).startsWith(`${folder}/`)))
}
