import { chmod, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { findProgram } from '../../src/process/find-program.js'

/** A machine of the worst day, as far as its PATH goes: public tools, and nothing of what Holdfast needs. */
export interface PlainMachine {
  readonly env: Readonly<Record<string, string>>
  /** Runs `restore_db.sh` with these arguments. */
  restore(...args: readonly string[]): Promise<PlainResult>
  /** The same, to be watched and stopped. It does not reject. */
  start(...args: readonly string[]): ReturnType<typeof startScript>
}

export interface PlainResult {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface PlainMachineOptions {
  readonly without?: readonly string[]
  /** `bare`: without the Encryption SDK. */
  readonly python?: 'bare'
  readonly env?: Readonly<Record<string, string>>
}

/** What the script uses of a Debian, besides Python, the AWS command line and PostgreSQL. */
const allowed = [
  ...['bash', 'sh', 'env', 'cat', 'chmod', 'chown', 'cp', 'df', 'dirname', 'find', 'id', 'ln', 'mkdir', 'mktemp', 'realpath'],
  ...['rm', 'sed', 'sleep', 'tail', 'tee', 'test', 'touch', 'wc', 'setpriv', 'tar', 'zstd'],
]

const script = resolve('scripts/restore_db.sh')
const packages = resolve('.tools/python/bin')

export async function plainMachine(options: PlainMachineOptions = {}): Promise<PlainMachine> {
  const { without = [], python, env = {} } = options
  const bin = await mkdtemp(join(tmpdir(), 'bin-'))
  await chmod(bin, 0o755)
  for (const name of allowed.filter((each) => !without.includes(each))) await symlink(inSystem(name), join(bin, name))
  // Not links: a Python that is called by a link elsewhere does not find its packages.
  const wrappers = [
    ['python3', `exec ${packages}/python3${python === 'bare' ? ' -S' : ''} "$@"`],
    ['aws', `exec ${packages}/aws "$@"`],
  ] as const
  for (const [name, line] of wrappers.filter(([each]) => !without.includes(each))) {
    await writeFile(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  }
  const environment = { PATH: bin, TMPDIR: tmpdir(), ...env }
  const start = (...args: readonly string[]) => startScript(bin, environment, args)
  return {
    env: environment,
    start,
    async restore(...args) {
      const { exitCode, stdout, stderr } = await start(...args)
      return { exitCode, stdout, stderr }
    },
  }
}

function startScript(bin: string, env: Readonly<Record<string, string>>, args: readonly string[]) {
  return execa(join(bin, 'bash'), [script, ...args], {
    env,
    extendEnv: false,
    reject: false,
    cwd: '/',
    stdin: 'ignore',
    timeout: 110_000,
  })
}

function inSystem(name: string): string {
  const found = findProgram(name, ['/usr/bin', '/bin', '/usr/sbin', '/sbin'])
  if (found === undefined) throw new Error(`this machine has no ${name}`)
  return found
}
