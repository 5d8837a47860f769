import { open } from 'node:fs/promises'
import { HoldfastError } from '../domain/errors.js'
import { createSecret, type Secret } from '../domain/secret.js'
import type { SecretReference } from './config.js'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads a secret, for the edge that needs it. One newline at the end of a file is not part of it.
 * @throws HoldfastError SECRET_MISSING naming the reference: no such variable or file, unreadable, or empty;
 * CONFIG_INVALID: a file that others may read
 */
export async function resolveSecret(reference: SecretReference, env: Environment): Promise<Secret> {
  if ('file' in reference) return createSecret(await readSecretFile(reference.file))
  const value = env[reference.env]
  if (value === undefined || value === '') {
    throw new HoldfastError('SECRET_MISSING', `the variable ${reference.env} is ${value === '' ? 'empty' : 'not set'}`, {
      hint: `set ${reference.env} in the environment of this process and of the workers`,
    })
  }
  return createSecret(value)
}

const maximumSecretBytes = 64 * 1024

async function readSecretFile(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const stat = await file.stat()
    if (!stat.isFile()) throw missing(path, 'it is not a regular file')
    refuseSharedFile(path, stat)
    if (stat.size > maximumSecretBytes) throw missing(path, `it has ${stat.size} bytes, more than a secret can have`)
    const text = (await file.readFile('utf8')).replace(/\r?\n$/, '')
    if (text === '') throw missing(path, 'it is empty')
    return text
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const reason = code === 'ENOENT' ? 'it is not there' : code === 'EACCES' ? 'this user may not read it' : String(error)
    throw missing(path, reason, error)
  }
}

/**
 * Others may never read a secret; a group may if the file is root's, as with `root:holdfast 0640`. Docker mounts its secrets readable
 * for all below /run/secrets, where nobody else is: they are taken as they are.
 */
function refuseSharedFile(path: string, { mode, uid }: { mode: number; uid: number }): void {
  const shared = (mode & 0o007) !== 0 || (mode & 0o020) !== 0 || ((mode & 0o040) !== 0 && uid !== 0)
  if (!shared || path.startsWith('/run/secrets/')) return
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  throw new HoldfastError('CONFIG_INVALID', `the secret in ${path} is open to other users (mode ${octal})`, {
    hint: `chmod 600 ${path}`,
  })
}

function missing(path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('SECRET_MISSING', `cannot read the secret in ${path}: ${reason}`, {
    cause,
    hint: `put the secret into ${path}, readable for the user Holdfast runs as and for no other`,
  })
}
