import { dirname, join } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'
import { findProgram, searchPath } from '../../process/find-program.js'
import { runProgram } from '../../process/run-program.js'

/** The programs of one major version. */
export interface Tools {
  readonly directory: string
  /** `15.18`: of pg_basebackup. Minor releases differ in bugs, so it is recorded. */
  readonly version: string
}

/**
 * Finds the client programs of a server's own major version: configured, the usual directories, PATH. An older pg_basebackup
 * is refused by the server, and a newer one writes what the older server's tools may not read.
 * @throws HoldfastError TOOL_MISSING
 */
export async function findTools(
  configured: Readonly<Record<string, string>>,
  major: string,
  signal: AbortSignal,
): Promise<Tools> {
  const chosen = configured[major]
  const places = chosen === undefined ? [...usualDirectories(major), ...searchPath()] : [chosen]
  const seen: string[] = []
  for (const place of places) {
    const program = findProgram('pg_basebackup', [place])
    if (program === undefined) continue
    const version = await versionOf(program, signal)
    if (version.split(/[.a-z]/)[0] === major) return { directory: dirname(program), version }
    seen.push(`${program} is of version ${version}`)
  }
  throw new HoldfastError('TOOL_MISSING', missing(major, places, seen), {
    hint: `install postgresql-client-${major} (Debian, Ubuntu) or postgresql${major} (RHEL), or name the directory in \`tools\``,
    details: { major },
  })
}

/**
 * Directory of the programs that run a server of this major version.
 * @param besides other programs that have to be there
 * @throws HoldfastError TOOL_MISSING
 */
export async function findServerPrograms(
  configured: Readonly<Record<string, string>>,
  major: string,
  signal: AbortSignal,
  besides: readonly string[] = [],
): Promise<string> {
  const { directory } = await findTools(configured, major, signal)
  const absent = missingPrograms(directory, ['postgres', 'pg_ctl', 'pg_controldata', ...besides])
  if (absent.length === 0) return directory
  throw new HoldfastError('TOOL_MISSING', `${directory} lacks ${absent.join(', ')}: a restored server cannot run here`, {
    hint: `install postgresql-${major} (Debian, Ubuntu) or postgresql${major}-server (RHEL); no cluster needs to be made`,
    details: { major },
  })
}

/**
 * The programs that dump a server of this major version.
 * @throws HoldfastError TOOL_MISSING
 */
export async function findDumpTools(
  configured: Readonly<Record<string, string>>,
  major: string,
  signal: AbortSignal,
): Promise<Tools> {
  const tools = await findTools(configured, major, signal)
  refuseAbsent(tools, ['pg_dump', 'pg_dumpall'], major, 'nothing can be dumped here')
  return tools
}

/**
 * The programs that restore dumps into a server of this major version.
 * @throws HoldfastError TOOL_MISSING
 */
export async function findRestoreTools(
  configured: Readonly<Record<string, string>>,
  major: string,
  signal: AbortSignal,
): Promise<Tools> {
  const tools = await findTools(configured, major, signal)
  refuseAbsent(tools, ['pg_restore'], major, 'no dump can be restored from here')
  return tools
}

function refuseAbsent({ directory }: Tools, programs: readonly string[], major: string, consequence: string): void {
  const absent = missingPrograms(directory, programs)
  if (absent.length === 0) return
  throw new HoldfastError('TOOL_MISSING', `${directory} lacks ${absent.join(', ')}: ${consequence}`, {
    hint: `install postgresql-client-${major} (Debian, Ubuntu) or postgresql${major} (RHEL)`,
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

function missing(major: string, places: readonly string[], seen: readonly string[]): string {
  const found = seen.length === 0 ? `nothing in ${places.join(':')}` : seen.join('; ')
  return `the server is PostgreSQL ${major}, and no pg_basebackup of that version was found (${found})`
}
