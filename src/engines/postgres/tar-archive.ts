/** A small file to put into an archive. */
export interface TarMember {
  /** Relative, at most 255 bytes. */
  readonly path: string
  readonly content: Buffer
  readonly modifiedAt: Date
}

const blockBytes = 512

/**
 * An archive of small files in the ustar format of POSIX.1-1988, whole in memory.
 * @throws RangeError for paths that ustar cannot hold
 */
export function tarArchive(members: readonly TarMember[]): Buffer {
  const blocks = members.flatMap((member) => [header(member), member.content, Buffer.alloc(paddingBytes(member.content.length))])
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)])
}

function header({ path, content, modifiedAt }: TarMember): Buffer {
  const { name, prefix } = splitPath(path)
  const block = Buffer.alloc(blockBytes)
  block.write(name, 0)
  writeOctal(block, 0o600, 100, 8)
  writeOctal(block, 0, 108, 8)
  writeOctal(block, 0, 116, 8)
  writeOctal(block, content.length, 124, 12)
  writeOctal(block, Math.max(0, Math.floor(modifiedAt.getTime() / 1000)), 136, 12)
  block.write('0', 156)
  block.write('ustar\u000000', 257)
  block.write(prefix, 345)
  // The sum is taken with its own field filled with blanks.
  block.write(' '.repeat(8), 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
  return block
}

/** Long paths are cut at a `/`: at most 155 bytes before it, 100 after. */
function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1)) {
    const prefix = path.slice(0, cut)
    const name = path.slice(cut + 1)
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { name, prefix }
  }
  throw new RangeError(`the path ${path} is too long for a tar archive`)
}

function writeOctal(block: Buffer, value: number, offset: number, width: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\u0000`, offset)
}

function paddingBytes(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}
