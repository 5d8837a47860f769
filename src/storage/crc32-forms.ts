import { crc32 } from 'node:zlib'
import type { Crc32 } from '../domain/ids.js'

/** CRC-32 of bytes in memory, as 8 hex digits. About 3 GB/s. */
export function crc32Of(bytes: Uint8Array): Crc32 {
  return crc32FromNumber(crc32(bytes))
}

export function crc32FromNumber(value: number): Crc32 {
  return value.toString(16).padStart(8, '0') as Crc32
}

/** The form S3 uses: base64 of the 4 bytes, most significant first. */
export function crc32ToBase64(value: Crc32): string {
  return Buffer.from(value, 'hex').toString('base64')
}

/** Undefined for what is not a CRC-32 of a whole object: S3 marks composites with a part count (`Q1bmnA==-2`). */
export function crc32FromBase64(text: string | undefined): Crc32 | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString('hex') as Crc32
}
