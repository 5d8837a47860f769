import { resolve } from 'node:path'
import type { SecretReference } from './config.js'

/** Makes a path of the file absolute: relative to the file's own directory, `~/` to the home directory. */
export type ResolvePath = (path: string) => string

export function createResolvePath(fileDirectory: string, homeDirectory: string): ResolvePath {
  return (path) => (path === '~' || path.startsWith('~/') ? resolve(homeDirectory, path.slice(2)) : resolve(fileDirectory, path))
}

/** A reference whose file is absolute. */
export function resolveReference(reference: SecretReference, resolvePath: ResolvePath): SecretReference {
  return 'file' in reference ? { file: resolvePath(reference.file) } : reference
}
