import { HoldfastError } from '../domain/errors.js'
import type { LogLevel } from '../observability/logger.js'

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** @param text of HOLDFAST_LOG_LEVEL; `info` where it is not set. @throws USAGE */
export function parseLogLevel(text: string | undefined): LogLevel {
  const level = levels.find((candidate) => candidate === (text || 'info'))
  if (level !== undefined) return level
  throw new HoldfastError('USAGE', `HOLDFAST_LOG_LEVEL is "${text}"`, { hint: `use one of ${levels.join(', ')}` })
}
