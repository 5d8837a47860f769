import { dirname, join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import { findProgram, searchPath } from '../../process/find-program.js'
import { runProgram } from '../../process/run-program.js'

/** The programs of one major version. */
export interface Tools {
  readonly directory: string
  /** `15.18`: of the programs. Minor releases differ in bugs, so it is recorded. */
  readonly version: string
}

type Configured = Readonly<Record<string, string>>

/**
 * Finds the client programs of a server's own major version: configured, the usual directories, PATH. An older pg_basebackup
 * is refused by the server, and a newer one writes what the older server's tools may not read.
 * @throws HoldfastError TOOL_MISSING
 */
export function findTools(configured: Configured, major: string, signal: AbortSignal): Promise<Tools> {
  const consequence = 'the server cannot be copied from here'
  return findPrograms(configured, { major, programs: ['pg_basebackup'], consequence, package: 'client' }, signal)
}

/**
 * Directory of the programs that run a server of this major version.
 * @param besides other programs that have to be there
 * @throws HoldfastError TOOL_MISSING
 */
export async function findServerPrograms(
  configured: Configured,
  major: string,
  signal: AbortSignal,
  besides: readonly string[] = [],
): Promise<string> {
  const programs = ['postgres', 'pg_ctl', 'pg_controldata', ...besides]
  const consequence = 'a restored server cannot run here'
  return (await findPrograms(configured, { major, programs, consequence, package: 'server' }, signal)).directory
}

/**
 * The programs that dump a server of this major version.
 * @throws HoldfastError TOOL_MISSING
 */
export function findDumpTools(configured: Configured, major: string, signal: AbortSignal): Promise<Tools> {
  const consequence = 'nothing can be dumped here'
  return findPrograms(configured, { major, programs: ['pg_dump', 'pg_dumpall'], consequence, package: 'client' }, signal)
}

/**
 * The programs that restore dumps into a server of this major version.
 * @throws HoldfastError TOOL_MISSING
 */
export function findRestoreTools(configured: Configured, major: string, signal: AbortSignal): Promise<Tools> {
  const consequence = 'no dump can be restored from here'
  return findPrograms(configured, { major, programs: ['pg_restore'], consequence, package: 'client' }, signal)
}

interface Wanted {
  readonly major: string
  /** The first says where they are, and of which version. */
  readonly programs: readonly string[]
  /** What cannot be done without them. */
  readonly consequence: string
  readonly package: keyof typeof packages
}

const packages = {
  client: (major: string) => `install postgresql-client-${major} (Debian, Ubuntu) or postgresql${major} (RHEL)`,
  server: (major: string) => `install postgresql-${major} (Debian, Ubuntu) or postgresql${major}-server (RHEL)`,
} as const

async function findPrograms(configured: Configured, wanted: Wanted, signal: AbortSignal): Promise<Tools> {
  const { major, programs, consequence } = wanted
  const chosen = configured[major]
  const places = chosen === undefined ? [...usualDirectories(major), ...searchPath()] : [chosen]
  const [first = ''] = programs
  const seen: string[] = []
  for (const place of places) {
    const program = findProgram(first, [place])
    if (program === undefined) continue
    const version = await versionOf(program, signal)
    const directory = dirname(program)
    if (version.split(/[.a-z]/)[0] !== major) {
      seen.push(`${program} is of version ${version}`)
      continue
    }
    const absent = missingPrograms(directory, programs)
    if (absent.length === 0) return { directory, version }
    throw missing(wanted, `${directory} lacks ${absent.join(', ')}: ${consequence}`)
  }
  const found = seen.length === 0 ? `nothing in ${places.join(':')}` : seen.join('; ')
  throw missing(wanted, `this host lacks ${programs.join(', ')} of PostgreSQL ${major}: ${consequence} (${found})`)
}

function missing({ major, package: name }: Wanted, message: string): HoldfastError {
  return new HoldfastError('TOOL_MISSING', message, {
    hint: `${packages[name](major)}, or name the directory in \`tools\``,
    details: { major },
  })
}

function missingPrograms(directory: string, names: readonly string[]): string[] {
  return names.filter((name) => findProgram(name, [directory]) === undefined)
}

/** Is this pg_basebackup built with zstd? It says so when it reads its options, before it connects. */
export async function canClientCompress(tools: Tools, signal: AbortSignal): Promise<'yes' | 'no'> {
  const program = join(tools.directory, 'pg_basebackup')
  const args = ['--compress=client-zstd', '-Ft', '-D', '/nonexistent/holdfast', '-h', '/nonexistent', '--no-password']
  try {
    await runProgram({ program, args }, { signal })
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error && error.message.includes('connection to server') ? 'yes' : 'no'
  }
  return 'no'
}

function usualDirectories(major: string): string[] {
  return [`/usr/lib/postgresql/${major}/bin`, `/usr/pgsql-${major}/bin`, `/usr/local/pgsql/bin`]
}

async function versionOf(program: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await runProgram({ program, args: ['--version'] }, { signal })
  return /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1] ?? 'unknown'
}
