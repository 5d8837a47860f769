import { join } from 'node:path'
import { parseWalKey } from '../../catalog/wal-keys.js'
import { compareLsn, type Lsn, lsnToBytes } from '../../domain/lsn.js'
import { parseSegmentName } from '../../domain/wal.js'
import type { WalSource } from '../../engines/wal-source.js'
import { refuseOtherContent } from './refuse-other-history.js'
import { type Sealing, sealFile } from './seal-file.js'
import type { SpoolState } from './spool.js'

/**
 * Seals the beginning of the segment that is being received, up to `endLsn`, zero after it. The caller knows that the receiver has
 * written it. Nothing new since the last time: nothing is done.
 * @param file the segment's own name
 */
export async function sealPartial(
  { sealing, source }: { readonly sealing: Sealing; readonly source: WalSource },
  state: SpoolState,
  file: string,
  endLsn: Lsn,
): Promise<SpoolState> {
  const { segmentSizeBytes, systemIdentifier, partial } = state
  if (partial?.file === file && compareLsn(partial.endLsn, endLsn) >= 0) return state
  const { number } = parseSegmentName(file, segmentSizeBytes)
  // What comes before it is not sealed yet: it has its turn after that.
  if (number * BigInt(segmentSizeBytes) > lsnToBytes(state.received.lsn)) return state
  const path = join(sealing.spool.incoming, `${file}.partial`)
  await source.checkFile(path, { systemIdentifier, segmentSizeBytes, file })
  await refuseOtherContent(path, file, state)
  const key = await sealFile(sealing, {
    path,
    what: { kind: 'partial', file, endLsn },
    systemIdentifier,
    contentBytes: Number(lsnToBytes(endLsn) - number * BigInt(segmentSizeBytes)),
    sizeBytes: segmentSizeBytes,
  })
  const hash = parseWalKey(key)?.identity.hash
  const sealed = { ...state, partial: { file, endLsn, ...(hash === undefined ? {} : { hash }) } }
  await sealing.spool.writeState(sealed)
  return sealed
}
