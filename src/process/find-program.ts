import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { HoldfastError } from '../domain/errors.js'

/** @returns the absolute path of the first executable file `name` in `directories`; undefined when there is none. */
export function findProgram(name: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => resolve(directory, name)).find(isExecutableFile)
}

/** The directories of a PATH variable, in its order. */
export function searchPath(path = process.env.PATH ?? ''): string[] {
  return path.split(delimiter).filter((directory) => directory !== '')
}

/**
 * Where a command's program is: a name is looked up in `path`, anything with a `/` is taken as a file.
 * @throws HoldfastError TOOL_MISSING
 */
export function locateProgram(program: string, path: string | undefined): string {
  const directories = program.includes('/') ? ['.'] : searchPath(path)
  const found = findProgram(program, directories)
  if (found !== undefined) return found
  const where = program.includes('/') ? '' : ` in ${directories.join(delimiter)}`
  throw new HoldfastError('TOOL_MISSING', `there is no executable program ${program}${where}`, { details: { program } })
}

function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
