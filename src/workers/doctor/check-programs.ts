import type { Config } from '../../config/config.js'
import { findProgram, searchPath } from '../../process/find-program.js'
import { runProgram } from '../../process/run-program.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'

interface Needed {
  readonly name: string
  readonly package: string
  readonly why: string
}

const needed: readonly Needed[] = [
  { name: 'flock', package: 'util-linux', why: 'jobs are locked with it' },
  { name: 'setpriv', package: 'util-linux', why: 'programs end with their parent, and servers run unprivileged' },
  { name: 'tar', package: 'tar', why: 'restores are extracted with it' },
  { name: 'zstd', package: 'zstd', why: 'tar decompresses with it' },
  { name: 'getent', package: 'libc-bin', why: 'users are looked up with it' },
]

/** The small programs of the operating system, and the directories of PostgreSQL's that the configuration names. */
export async function checkPrograms({ tools }: Config): Promise<readonly DoctorFinding[]> {
  const configured = Object.entries(tools.postgres).map(([major, directory]) => postgresFinding(major, directory))
  return Promise.all([...needed.map(programFinding), ...configured])
}

async function programFinding({ name, package: source, why }: Needed): Promise<DoctorFinding> {
  const found = findProgram(name, searchPath())
  if (found === undefined) return failed(name, 'TOOL_MISSING', `not on the PATH; ${why}`, `install ${source}`)
  const { stdout } = await runProgram({ program: found, args: ['--version'] }, {}).catch(() => ({ stdout: '' }))
  return ok(name, stdout.split('\n')[0] || found)
}

async function postgresFinding(major: string, directory: string): Promise<DoctorFinding> {
  const subject = `tools.postgres.${major}`
  const names = ['pg_basebackup', 'postgres', 'pg_ctl', 'pg_controldata']
  const absent = names.filter((name) => findProgram(name, [directory]) === undefined)
  if (absent.includes('pg_basebackup')) {
    return failed(subject, 'TOOL_MISSING', `there is no pg_basebackup in ${directory}`, 'correct the directory in `tools`')
  }
  const { stdout } = await runProgram({ program: `${directory}/pg_basebackup`, args: ['--version'] }, {})
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1] ?? 'unknown'
  if (absent.length === 0) return ok(subject, `${version} in ${directory}`)
  const message = `${version} in ${directory}, without ${absent.join(', ')}: no restore of such a server on this host`
  return warning(subject, message, `install the server of PostgreSQL ${major}; no cluster needs to be made`)
}
