import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Of all files below a directory, without the parts of uploads that versitygw keeps beside the objects. */
export async function storedBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const objects = files.filter((file) => !file.includes('/.sgwtmp/'))
  const sizes = await Promise.all(objects.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
