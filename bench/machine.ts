import { readFile, statfs } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { runProgram } from '../src/process/run-program.js'

/** What the figures depend on. */
export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryBytes: number
  readonly kernel: string
  readonly system: string
  /** File system and device of the directory that is worked in. */
  readonly disk: string
  readonly node: string
  readonly postgres: string
  /** Of the last minute before the start: above 0.5 somebody else is at work. */
  readonly loadBefore: number
}

export async function describeMachine(directory: string, postgres: string): Promise<Machine> {
  const release_ = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const { stdout } = await runProgram({ program: 'df', args: ['--output=source,fstype', directory] }, {})
  const [device = '', type = ''] = stdout.trim().split('\n').at(-1)?.split(/\s+/) ?? []
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    system: /^PRETTY_NAME="?(.*?)"?$/m.exec(release_)?.[1] ?? 'unknown',
    disk: `${type} on ${device}`,
    node: process.version,
    postgres,
    loadBefore: loadavg()[0] ?? 0,
  }
}

/** @throws when the file system of the directory has not so many bytes left */
export async function expectFree(directory: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
  if (bavail * bsize >= neededBytes) return
  throw new Error(
    `${directory} has ${gigabytes(bavail * bsize)} free, the benchmark needs ${gigabytes(neededBytes)}: ` +
      'set TMPDIR to a directory on a larger file system, or BENCH_SCALE below 1',
  )
}
