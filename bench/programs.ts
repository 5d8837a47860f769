import { resolve } from 'node:path'
import { findProgram, searchPath } from '../src/process/find-program.js'
import { runProgram } from '../src/process/run-program.js'

/** A program of a contender that may be missing, and what it says it is. */
export interface Program {
  readonly path: string
  readonly version: string
}

export async function findAws(): Promise<Program | undefined> {
  return describe(findProgram('aws', [resolve('.tools/python/bin')]), '--version')
}

/** The one that PGBACKREST names, or the one on the PATH. */
export async function findPgBackRest({ PGBACKREST }: NodeJS.ProcessEnv): Promise<Program | undefined> {
  return describe(PGBACKREST ? resolve(PGBACKREST) : findProgram('pgbackrest', searchPath()), 'version')
}

async function describe(path: string | undefined, question: string): Promise<Program | undefined> {
  if (path === undefined) return undefined
  const { stdout } = await runProgram({ program: path, args: [question] }, {})
  return { path, version: stdout.trim().split(' ').slice(0, 2).join(' ').replace('/', ' ').split(' Python')[0] ?? '' }
}
