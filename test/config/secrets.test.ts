import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolveKeyRing } from '../../src/config/resolve-key-ring.js'
import { resolveSecret } from '../../src/config/resolve-secret.js'
import { createSecret } from '../../src/domain/secret.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hf-secret-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function file(content: string | Uint8Array, mode = 0o600): Promise<{ file: string }> {
  const path = join(directory, 'secret')
  await writeFile(path, content)
  await chmod(path, mode)
  return { file: path }
}

test('a secret shows itself only when it is revealed', () => {
  const secret = createSecret('hunter2')
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    `${Object.values(secret)}`,
    inspect(secret, { showHidden: true }),
  ]
  expect(shown.join('\n')).not.toContain('hunter2')
  expect(JSON.stringify(secret)).toBe('"[secret]"')
  expect(() => structuredClone(secret)).toThrow()
  expect(secret.reveal()).toBe('hunter2')
})

test('a variable is read', async () => {
  expect((await resolveSecret({ env: 'S3_KEY' }, { S3_KEY: ' a b ' })).reveal()).toBe(' a b ')
})

test.each([
  [{}, 'the variable S3_KEY is not set'],
  [{ S3_KEY: '' }, 'the variable S3_KEY is empty'],
])('a variable that says nothing is named: %j', async (env, message) => {
  await expect(resolveSecret({ env: 'S3_KEY' }, env)).rejects.toMatchObject({ code: 'SECRET_MISSING', message })
})

test.each([
  ['hunter2', 'hunter2'],
  ['hunter2\n', 'hunter2'],
  ['hunter2\r\n', 'hunter2'],
  ['hunter2\n\n', 'hunter2\n'],
  [' hunter2 ', ' hunter2 '],
])('of a file %j exactly one newline at the end is left out', async (content, expected) => {
  expect((await resolveSecret(await file(content), {})).reveal()).toBe(expected)
})

test('a file that is missing, empty or no file is named', async () => {
  const missing = { file: join(directory, 'none') }
  await expect(resolveSecret(missing, {})).rejects.toMatchObject({
    code: 'SECRET_MISSING',
    message: expect.stringContaining(missing.file),
  })
  await expect(resolveSecret(await file('\n'), {})).rejects.toMatchObject({
    code: 'SECRET_MISSING',
    message: expect.stringContaining('is empty'),
  })
  await mkdir(join(directory, 'd'))
  await expect(resolveSecret({ file: join(directory, 'd') }, {})).rejects.toMatchObject({ code: 'SECRET_MISSING' })
})

test.each([0o604, 0o660, 0o602, 0o644])('a file others may read or write (mode %o) is refused', async (mode) => {
  const reference = await file('hunter2', mode)
  await expect(resolveSecret(reference, {})).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    hint: `chmod 600 ${reference.file}`,
  })
})

test('a group may read a file of root, and of nobody else', async () => {
  const reference = await file('hunter2', 0o640)
  if (process.getuid?.() === 0) {
    expect((await resolveSecret(reference, {})).reveal()).toBe('hunter2')
    await chown(reference.file, 65_534, 65_534)
  }
  await expect(resolveSecret(reference, {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

const bytes = Uint8Array.from({ length: 32 }, (_, index) => 200 + index)

test.each(['base64', 'base64url', 'hex'] as const)('a key is read from %s', async (encoding) => {
  const reference = await file(`${Buffer.from(bytes).toString(encoding)}\n`)
  const ring = await resolveKeyRing(
    { encryption: { kind: 'keys', activeKey: 'new', keys: { old: { env: 'OLD' }, new: reference } } },
    { OLD: '00'.repeat(32) },
  )
  expect(ring.active).toEqual({ id: 'new', bytes })
  expect(ring.find('old')).toEqual({ id: 'old', bytes: new Uint8Array(32) })
  expect(ring.find('other')).toBeUndefined()
})

test.each([
  ['too short', Buffer.from(bytes.slice(1)).toString('base64')],
  ['too long', Buffer.from([...bytes, 1]).toString('base64')],
  ['no encoding', 'hunter2 hunter2 hunter2 hunter2 hunter2 hunt'],
  ['raw bytes', Buffer.from(bytes).toString('latin1')],
])('a key that is %s is named and not shown', async (_, text) => {
  const encryption = { kind: 'keys', activeKey: 'k1', keys: { k1: { env: 'KEY' } } } as const
  const error: unknown = await resolveKeyRing({ encryption }, { KEY: text }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: 'encryption.keys."k1" does not hold 32 bytes in base64 or hex' })
  expect(inspect(error)).not.toContain(text)
})

test('an old key that cannot be read fails at once', async () => {
  const encryption = { kind: 'keys', activeKey: 'k1', keys: { k1: { env: 'KEY' }, k0: { env: 'OLD' } } } as const
  await expect(resolveKeyRing({ encryption }, { KEY: '00'.repeat(32) })).rejects.toMatchObject({ code: 'SECRET_MISSING' })
})

test('with encryption off there is no key', async () => {
  expect((await resolveKeyRing({ encryption: { kind: 'off' } }, {})).active).toBeUndefined()
})
