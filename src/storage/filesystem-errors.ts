import { type ErrorCode, HoldfastError } from '../domain/errors.js'

/** Errno names of Node's errors: `ENOENT`, …; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** @param what what failed on what: `put of "a/b" below /backups`. */
export function toFilesystemError(error: unknown, what: string): HoldfastError {
  if (error instanceof HoldfastError) return error
  const errno = errnoOf(error)
  const code = errno === undefined ? undefined : codes.get(errno)
  const reason = error instanceof Error ? error.message : String(error)
  return new HoldfastError(code ?? 'LOCAL_IO', `${what} failed: ${reason}`, {
    cause: error,
    details: { errno: errno ?? null },
    ...hintFor(errno),
  })
}

const codes = new Map<string, ErrorCode>([
  ['ENOSPC', 'SPACE_SHORT'],
  ['EDQUOT', 'SPACE_SHORT'],
  ['EACCES', 'STORE_DENIED'],
  ['EROFS', 'STORE_DENIED'],
  ['EPERM', 'STORE_DENIED'],
  ['ELOOP', 'STORE_DENIED'],
  ['ENOENT', 'NOT_FOUND'],
  ['ENAMETOOLONG', 'INVALID_NAME'],
  ['ENOTDIR', 'INVALID_NAME'],
])

function hintFor(errno: string | undefined): { hint: string } | undefined {
  switch (errno) {
    case 'ENOSPC':
      return { hint: 'free space there (`df`), or inodes where there is space (`df -i`), or choose another directory' }
    case 'EROFS':
      return { hint: 'the file system is mounted read-only; mount it for writing' }
    case 'EDQUOT':
      return { hint: 'the quota of this user is used up; raise it, or free space' }
    case 'ENAMETOOLONG':
      return { hint: 'each part of a key may have 246 bytes on a file system' }
    case 'ENOTDIR':
      return { hint: 'on a file system an object cannot lie below another object' }
    default:
      return undefined
  }
}
