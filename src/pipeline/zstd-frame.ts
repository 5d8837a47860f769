import { HoldfastError } from '../domain/errors.js'
import type { Step } from './scanner.js'

const zstdMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50

/** One frame of zstd, or a skippable one (RFC 8878, section 3.1): where it ends, not what it holds. */
export function* zstdFrame(): Generator<Step, void, Buffer> {
  const magic = (yield { take: 4 }).readUInt32LE()
  if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
    const size = (yield { take: 4 }).readUInt32LE()
    yield { skip: size }
    return
  }
  if (magic !== zstdMagic)
    throw new HoldfastError('ARTIFACT_DAMAGED', 'compressed bytes are damaged: no zstd frame where one has to begin')

  const descriptor = (yield { take: 1 }).readUInt8()
  yield { skip: headerBytesAfter(descriptor) }
  for (;;) {
    const header = (yield { take: 3 }).readUIntLE(0, 3)
    const isRepeatedByte = ((header >> 1) & 3) === 1
    yield { skip: isRepeatedByte ? 1 : header >> 3 }
    if ((header & 1) === 1) break
  }
  const hasChecksum = (descriptor & 4) !== 0
  yield { skip: hasChecksum ? 4 : 0 }
}

function headerBytesAfter(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0
  const contentSizeFlag = descriptor >> 6
  const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  return (isSingleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes
}
