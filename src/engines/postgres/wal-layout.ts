import type { FileHandle } from 'node:fs/promises'

/** XLogPageHeaderData and XLogLongPageHeaderData, with their padding: src/include/access/xlog_internal.h. */
export const headerBytes = 24
export const longHeaderBytes = 40
export const remainingAt = 16
const longHeaderFlag = 0x0002

/** XLogRecord: src/include/access/xlogrecord.h. It begins at a multiple of 8. */
export const recordBytes = 24
export const infoAt = 16

/** Where the first record of a page begins, behind what remains of one that began on a page before; where that goes on, behind the page. */
export function bodyAt(page: Buffer): number {
  const isLong = (page.readUInt16LE(2) & longHeaderFlag) !== 0
  return (isLong ? longHeaderBytes : headerBytes) + aligned(page.readUInt32LE(remainingAt))
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

export async function readPage(segment: FileHandle, number: number, pageBytes: number): Promise<Buffer> {
  const { buffer } = await segment.read(Buffer.alloc(pageBytes), 0, pageBytes, number * pageBytes)
  return buffer
}
