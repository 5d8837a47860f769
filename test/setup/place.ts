import { readFile, statfs } from 'node:fs/promises'

const memory = '/dev/shm'
const disk = '/tmp'
const gibibyte = 2 ** 30
/** Four files of tests at a time take some 2 GiB, long runs more. */
const roomBytes = 8 * gibibyte
/** `statfs` of a tmpfs, in linux/magic.h. */
const tmpfsType = 0x01021994

/**
 * Where tests put the directories they make. The paths are short, since sockets lie below them, and open to the users that servers
 * run as. Servers are made and removed by the hundred: in memory, where there is plenty, that takes a tenth of the processor time less.
 */
export function testPlace(): string {
  return process.env.HOLDFAST_TEST_PLACE ?? disk
}

/** Once for a whole run; what the environment names already stays. */
export async function choosePlace(): Promise<void> {
  process.env.HOLDFAST_TEST_PLACE ??= (await suits(memory)) ? memory : disk
}

async function suits(place: string): Promise<boolean> {
  try {
    const [{ type, bavail, bsize }, mounts] = await Promise.all([statfs(place), readFile('/proc/mounts', 'utf8')])
    const options = mounts.split('\n').findLast((line) => line.split(' ')[1] === place)
    const runsPrograms = options !== undefined && !/\bnoexec\b/.test(options)
    return type === tmpfsType && runsPrograms && Math.min(bavail * bsize, process.availableMemory()) >= roomBytes
  } catch {
    // Not on this system.
    return false
  }
}
