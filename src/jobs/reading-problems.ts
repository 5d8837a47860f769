import type { Repository } from '../composition/repository.js'
import { HoldfastError } from '../domain/errors.js'

/** What another repository may have better moves on to it. What would fail there as well, such as a missing key, is thrown. */
export function asProblemOf(repository: Pick<Repository, 'name'>, name: string, error: unknown): HoldfastError {
  if (!(error instanceof HoldfastError)) throw error
  const where = `${name} in repository ${repository.name}`
  switch (error.code) {
    case 'NOT_FOUND':
      return new HoldfastError('ARTIFACT_MISSING', `${where} is missing`, { cause: error })
    case 'ARTIFACT_DAMAGED':
    case 'WAL_FOREIGN':
      return new HoldfastError(error.code, `${where} is damaged: ${error.message}`, { cause: error })
    case 'STORE_UNAVAILABLE':
    case 'STORE_DENIED':
    case 'STORE_MISSING':
    case 'LOCAL_IO':
      return new HoldfastError(error.code, `${where} cannot be read: ${error.message}`, { cause: error, hint: error.hint })
    default:
      throw error
  }
}

/** One error for all repositories. It may be tried again when one of them may come back. */
export function allOf(problems: readonly HoldfastError[], name: string): HoldfastError {
  const [first] = problems
  if (first === undefined) return new HoldfastError('NOT_FOUND', `no repository to read ${name} from`)
  const { code, hint } = problems.find(({ retryable }) => retryable) ?? first
  return new HoldfastError(code, problems.map(({ message }) => message).join('; '), { cause: first, hint })
}
