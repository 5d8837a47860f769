import { HoldfastError } from '../domain/errors.js'
import type { S3Connection } from './s3-connection.js'

/**
 * Where the next page of a listing begins; undefined after the last one. A store that says there is more and not from where would
 * have us take a part for the whole.
 * @throws HoldfastError STORE_INCAPABLE
 */
export function nextPage<Marker>(
  s3: S3Connection,
  what: string,
  { IsTruncated: goesOn }: { readonly IsTruncated?: boolean | undefined },
  marker: Marker | undefined,
): Marker | undefined {
  if (goesOn !== true) return undefined
  if (marker !== undefined) return marker
  throw new HoldfastError('STORE_INCAPABLE', `${what} in ${s3.description} goes on, and the store does not say from where`)
}
