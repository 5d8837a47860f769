import { execa } from 'execa'

/** May this process mount? Root in a container often may not. */
export async function mayMount(): Promise<boolean> {
  const { exitCode } = await execa('unshare', ['--mount', 'true'], { reject: false })
  return exitCode === 0
}

/** A file system of its own. @param limit `size=16m`, `nr_inodes=100` @returns what takes it away again */
export async function mountSmall(directory: string, limit: string): Promise<() => Promise<void>> {
  await execa('mount', ['-t', 'tmpfs', '-o', `${limit},mode=0755`, 'tmpfs', directory])
  return () => unmount(directory)
}

/** Nobody can write below the directory, not even root. @returns what takes that back */
export async function mountReadOnly(directory: string): Promise<() => Promise<void>> {
  await execa('mount', ['--bind', directory, directory])
  await execa('mount', ['-o', 'remount,ro,bind', directory])
  return () => unmount(directory)
}

// Lazily: a program that still looks at it must not keep the test from cleaning up.
async function unmount(directory: string): Promise<void> {
  await execa('umount', ['--lazy', directory])
}
