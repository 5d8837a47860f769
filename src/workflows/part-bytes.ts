/** S3 takes 10,000 parts; an estimate may be four times too small. */
const maximumParts = 10_000
const estimateMayBeWrongBy = 4

/** Size of the parts of an upload whose end is not known yet. Constant over all tries of an attempt. */
export function partBytesFor(wantedBytes: number, estimatedBytes: number): number {
  const needed = Math.ceil((estimatedBytes * estimateMayBeWrongBy) / maximumParts)
  return Math.max(wantedBytes, needed)
}
