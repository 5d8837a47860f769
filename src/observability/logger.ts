import { type DestinationStream, destination as fileDestination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import { redactText } from '../domain/redact-text.js'
import { sanitize, sanitizeRecord } from './sanitize.js'

export type Logger = PinoLogger
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export interface LoggerOptions {
  readonly level: LogLevel
  /** Which program speaks: `worker`, `job`, `cli`. */
  readonly name: string
  /** Standard error where left out: standard output belongs to the answers of the CLI. */
  readonly destination?: DestinationStream
}

/**
 * A logger of JSON lines that masks secrets in everything it is given: messages, their arguments, fields at any depth, errors with
 * their causes, and the bindings of its children.
 */
export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  const logger = pino(
    {
      level,
      name,
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: sanitizeRecord,
      },
      hooks: {
        logMethod(args, method) {
          method.apply(this, prepare(args) as typeof args)
        },
      },
      // Errors are plain records by then; pino's own serializer would not know them.
      serializers: { err: (error) => error },
    },
    // Written at once: the last lines before a crash are the ones that matter.
    destination ?? fileDestination({ dest: 2, sync: true }),
  )
  return maskBindings(logger)
}

/** pino does not ask its formatters about the bindings of children. Children inherit the method, so grandchildren are masked too. */
function maskBindings(logger: Logger): Logger {
  const { child, setBindings } = logger
  return Object.assign(logger, {
    child(this: Logger, bindings: Record<string, unknown>, options?: Parameters<Logger['child']>[1]) {
      return child.call(this, sanitizeRecord(bindings), options)
    },
    setBindings(this: Logger, bindings: Record<string, unknown>) {
      setBindings.call(this, sanitizeRecord(bindings))
    },
  })
}

function prepare(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args
  const masked = rest.map((arg) => (typeof arg === 'string' ? redactText(arg) : sanitize(arg)))
  if (typeof first === 'string') return [redactText(first), ...masked]
  if (!(first instanceof Error)) return [first, ...masked]
  return [{ err: first }, ...(masked.length > 0 ? masked : [redactText(first.message)])]
}
