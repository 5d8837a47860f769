import { describe, expect, test } from 'vitest'
import {
  errorCodes,
  exitStatusOf,
  HoldfastError,
  hintOf,
  isErrorCode,
  isRetryable,
  toHoldfastError,
} from '../../src/domain/errors.js'

describe('the table of errors', () => {
  test.each(errorCodes)('%s has a hint in lower case and an exit status of its class', (code) => {
    expect(hintOf(code)).toMatch(/^[^A-Z\s].*[^.]$/)
    expect(exitStatusOf(code)).toBeGreaterThanOrEqual(1)
    expect(exitStatusOf(code)).toBeLessThanOrEqual(11)
    expect(new HoldfastError(code, 'x').retryable).toBe(isRetryable(code))
  })

  test.each(['CONFIG_INVALID', 'MANIFEST_DAMAGED', 'KEY_MISSING', 'ALREADY_EXISTS', 'CAPTURE_LOST', 'NOT_FOUND'] as const)(
    '%s is not tried again, for it would end the same way',
    (code) => expect(isRetryable(code)).toBe(false),
  )

  test.each(['STORE_UNAVAILABLE', 'SYSTEM_BUSY', 'SOURCE_UNAVAILABLE'] as const)('%s is tried again', (code) => {
    expect(isRetryable(code)).toBe(true)
  })

  test.each(['', 'toString', '__proto__', 'constructor', 'not_found', 7, null, undefined])('%j is no code', (text) => {
    expect(isErrorCode(text)).toBe(false)
  })
})

describe('HoldfastError', () => {
  test('takes the hint of its code unless it is given a better one', () => {
    expect(new HoldfastError('NOT_FOUND', 'x').hint).toBe(hintOf('NOT_FOUND'))
    expect(new HoldfastError('NOT_FOUND', 'x', { hint: 'look elsewhere' }).hint).toBe('look elsewhere')
  })

  test('is what toHoldfastError leaves alone; anything else becomes INTERNAL with its cause', () => {
    const known = new HoldfastError('SPACE_SHORT', 'full')
    const foreign = new TypeError('x is not a function')
    expect(toHoldfastError(known)).toBe(known)
    expect(toHoldfastError(foreign)).toMatchObject({ code: 'INTERNAL', message: 'x is not a function', cause: foreign })
    expect(toHoldfastError('thrown text')).toMatchObject({ code: 'INTERNAL', message: 'thrown text' })
  })
})
