import { open } from 'node:fs/promises'
import type { Instance } from '../../domain/instance.js'

const keptBytes = 64 * 1024

/** What the server has said since its last start, as far as the end of its log (64 KiB) tells. */
export async function logSinceStart(instance: Instance): Promise<string> {
  const file = await open(instance.logFile, 'r').catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, keptBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    const line = text.lastIndexOf('starting PostgreSQL')
    return line === -1 ? text : text.slice(text.lastIndexOf('\n', line) + 1)
  } finally {
    await file.close()
  }
}

/** Of a log, for messages. */
export function lastLines(log: string): string {
  return log.trimEnd().split('\n').slice(-15).join('\n')
}
