import { HoldfastError } from '../domain/errors.js'
import { s3CodeOf } from './s3-errors.js'

/** A plain no to a request: the store cannot do it, or not in this way. Nothing of being away, busy or closed to us. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false
  return error.code === 'STORE_INCAPABLE' || error.code === 'ARTIFACT_DAMAGED' || refusals.has(s3CodeOf(error) ?? '')
}

/** Whether a store does something at all. Only a plain no counts as no. */
export async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}

const refusals = new Set([
  'NotImplemented',
  'InvalidRequest',
  'InvalidArgument',
  'MethodNotAllowed',
  'MalformedXML',
  // What MinIO says of parts whose checksums do not make up the kind that it keeps: https://github.com/minio/minio/issues/20944
  'InvalidPart',
])
