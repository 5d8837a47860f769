import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { HoldfastError } from '../../src/domain/errors.js'
import { createSecret } from '../../src/domain/secret.js'
import { createLogger, type Logger } from '../../src/observability/logger.js'
import { temporalLogger } from '../../src/observability/temporal-logger.js'

function logged(write: (logger: Logger) => void): { text: string; lines: Record<string, unknown>[] } {
  let text = ''
  const append = (line: string) => {
    text += line
  }
  write(createLogger({ level: 'debug', name: 'test', destination: { write: append } }))
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { text, lines }
}

test('a line is JSON with its level, its time and who speaks', () => {
  const { lines } = logged((logger) => logger.info({ system: 'avi5', doneBytes: 3 }, 'captured %d of %s', 3, 'avi5'))
  expect(lines).toEqual([
    expect.objectContaining({ level: 'info', name: 'test', system: 'avi5', doneBytes: 3, msg: 'captured 3 of avi5' }),
  ])
  expect(String(lines[0]?.time)).toMatch(/^\d{4}-\d\d-\d\dT/)
})

test.each<[string, (logger: Logger) => void]>([
  ['a message', (logger) => logger.info('connect postgres://u:hunter2@db1/x')],
  ['an argument of a message', (logger) => logger.info('ran %s', 'PGPASSWORD=hunter2 pg_basebackup')],
  ['an object among the arguments', (logger) => logger.info('with %o', { password: 'hunter2' })],
  ['a field under a telling key', (logger) => logger.info({ password: 'hunter2' }, 'x')],
  ['a field deep inside', (logger) => logger.info({ a: [{ b: { secretAccessKey: 'hunter2' } }] }, 'x')],
  ['text in a field', (logger) => logger.info({ stderr: ['password=hunter2'] }, 'x')],
  ['the Secret type', (logger) => logger.info({ value: createSecret('hunter2') }, 'x')],
  ['bytes', (logger) => logger.info({ value: Buffer.from('hunter2') }, 'x')],
  ['a map', (logger) => logger.info({ value: new Map([['password', 'hunter2']]) }, 'x')],
  ['bindings of a child', (logger) => logger.child({ connection: { password: 'hunter2' } }).info('x')],
  ['bindings of a grandchild', (logger) => logger.child({ a: 1 }).child({ password: 'hunter2' }).info('x')],
  ['an error', (logger) => logger.error(new Error('postgres://u:hunter2@db1/x failed'))],
  ['an error in a field', (logger) => logger.error({ err: new Error('password=hunter2') }, 'x')],
  ['the cause of an error', (logger) => logger.error(new Error('x', { cause: new Error('password=hunter2') }))],
  ['an own field of an error', (logger) => logger.error(Object.assign(new Error('x'), { command: 'PGPASSWORD=hunter2 x' }))],
  ['metadata of the SDK', (logger) => temporalLogger(logger).warn('x', { error: new Error('password=hunter2') })],
])('a secret in %s is masked', (_, write) => {
  const { text, lines } = logged(write)
  expect(lines).toHaveLength(1)
  expect(text).not.toContain('hunter2')
  // Base64 or a list of numbers would be the secret too.
  expect(text).not.toContain(Buffer.from('hunter2').toString('base64'))
  expect(text).not.toContain('104,117')
})

test('an error keeps its code, hint, details and cause', () => {
  const error = new HoldfastError('STORE_DENIED', 'put refused on s3://b', { cause: new Error('403'), details: { status: 403 } })
  const { lines } = logged((logger) => logger.error(error, 'could not commit'))
  expect(lines[0]).toMatchObject({
    msg: 'could not commit',
    err: {
      type: 'HoldfastError',
      code: 'STORE_DENIED',
      message: 'put refused on s3://b',
      details: { status: 403 },
      cause: { message: '403' },
    },
  })
  expect(inspect(lines[0]?.err)).toContain('credentials and the permissions')
})

test('an error alone gives the line its message', () => {
  expect(logged((logger) => logger.error(new Error('disk full'))).lines[0]).toMatchObject({
    msg: 'disk full',
    err: { message: 'disk full' },
  })
})

test('a reference to a secret stays readable', () => {
  const { lines } = logged((logger) => logger.info({ password: { env: 'PGPASSWORD' } }, 'x'))
  expect(lines[0]).toMatchObject({ password: { env: 'PGPASSWORD' } })
})

test('cycles and depth do not stop a line', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const { lines } = logged((logger) => logger.info({ cycle }, 'x'))
  expect(lines[0]).toMatchObject({ cycle: { self: '[circular]' } })
})

test('a level below the logger’s is not written', () => {
  expect(logged((logger) => logger.trace('x')).lines).toEqual([])
})

test('the SDK’s levels are ours', () => {
  const { lines } = logged((logger) => {
    const adapter = temporalLogger(logger)
    adapter.debug('a', { workflowId: 'backup/avi5/full' })
    adapter.error('b')
    adapter.log('WARN', 'c')
  })
  expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual(['debug a', 'error b', 'warn c'])
  expect(lines[0]).toMatchObject({ workflowId: 'backup/avi5/full' })
})
