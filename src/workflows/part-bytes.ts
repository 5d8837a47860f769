/** S3 takes 10,000 parts. The estimate is of uncompressed bytes, and may miss databases the role does not see. */
const maximumParts = 10_000
const estimateMayBeWrongBy = 2

/** Size of the parts of an upload whose end is not known yet. Constant over all tries of an attempt. */
export function partBytesFor(wantedBytes: number, estimatedBytes: number): number {
  const needed = Math.ceil((estimatedBytes * estimateMayBeWrongBy) / maximumParts)
  return Math.max(wantedBytes, needed)
}
