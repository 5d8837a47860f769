import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redactText } from '../../src/process/redact-text.js'

test.each([
  ['postgres://backup:s3cr3t@db1:5432/app failed', 'postgres://backup:***@db1:5432/app failed'],
  ['postgres://backup:s3@cr3t@db1/app', 'postgres://backup:***@db1/app'],
  ['redis://:pw@cache:6379', 'redis://:***@cache:6379'],
  ['http://127.0.0.1:9000/bucket and a@b', 'http://127.0.0.1:9000/bucket and a@b'],
  ['host=db1 password=abc user=x', 'host=db1 password=*** user=x'],
  [`password='it''s \\' long' user=x`, 'password=*** user=x'],
  ['PGPASSWORD = "a b" PGUSER=x', 'PGPASSWORD = *** PGUSER=x'],
  ['db1/app?sslmode=require&password=abc&x=1', 'db1/app?sslmode=require&password=***&x=1'],
  ['password authentication failed for user "backup"', 'password authentication failed for user "backup"'],
])('passwords are masked wherever they stand: %s', (text, masked) => {
  expect(redactText(text)).toBe(masked)
})

test('no given secret is left, not even one that contains another', () => {
  const secret = fc.string({ minLength: 1 }).filter((text) => !text.includes('*'))
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.string(), (secrets, around) => {
      const text = redactText(around + secrets.join(around) + around, secrets)
      for (const one of secrets) expect(text).not.toContain(one)
    }),
  )
})

test('a secret is masked in its percent-encoded spelling too', () => {
  expect(redactText('proxy?token=a%20b%2Fc', ['a b/c'])).toBe('proxy?token=***')
})
