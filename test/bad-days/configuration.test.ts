import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, test } from 'vitest'
import { sampleWith } from '../config/sample.js'
import { expectRefusal, type Refusal } from './refusal.js'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bad-configuration-'))
})

/** A file like the sample, with these lines in place of its own. */
async function environmentWith(replacements: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const path = join(directory, 'holdfast.yaml')
  await writeFile(path, sampleWith(replacements), { mode: 0o600 })
  return {
    PATH: `${resolve('node_modules/.bin')}:${process.env.PATH}`,
    HOME: directory,
    HOLDFAST_CONFIG: path,
  }
}

const wrong: readonly [string, Readonly<Record<string, string>>, RegExp][] = [
  ['a misspelt key', { timeouts: 'timeouts: { hartbeat: 1m }' }, /timeouts\.hartbeat \(line 11\): unknown key; write heartbeat/],
  [
    'a value of the wrong type',
    { local: '  local: { store: filesystem, path: 3, capture: true }' },
    /repositories\.local\.path \(line 4\): 3 is not/,
  ],
  [
    'repositories that contradict each other',
    { primary: '  primary: { store: filesystem, path: ./x/../backups }' },
    /repositories\.primary\.path \(line 5\): is the same place as repository local; write another path/,
  ],
  [
    'a system’s name with a space',
    { avi5: '  "my shop":' },
    /systems\."my shop" \(line 7\): "my shop" is not a name .*; write 1 to 63 of a-z/,
  ],
  [
    'a system’s name with an umlaut',
    { avi5: '  läden:' },
    /systems\."läden" \(line 7\): "läden" is not a name .*; write 1 to 63 of a-z/,
  ],
]

test.each(wrong)('%s is refused with its key, its line and what to write', async (_, replacements, message) => {
  await expectRefusal(await environmentWith(replacements), ['ls'], {
    code: 'CONFIG_INVALID',
    message,
    hint: /correct/,
  })
})

const names: readonly [string, readonly string[], Partial<Refusal>][] = [
  ['a system', ['backup', 'my shop'], { message: /"my shop" is not a name for a system/ }],
  ['a system in other letters', ['backup', 'läden'], { message: /"läden" is not a name for a system/ }],
  ['an instance', ['restore', 'avi5', '--name', '../avi5'], { message: /"..\/avi5" is not a name for an instance/ }],
]

test.each(names)('a name on the command line for %s is refused with what is allowed', async (_, args, refusal) => {
  await expectRefusal(await environmentWith({}), args, {
    code: 'INVALID_NAME',
    message: /./,
    hint: /use 1 to 63 of a-z, 0-9, "_" and "-", beginning with a letter or a digit/,
    ...refusal,
  })
})

test('a system that is not in the file is refused with the nearest one', async () => {
  await expectRefusal(await environmentWith({}), ['backup', 'avi6'], {
    code: 'NOT_FOUND',
    message: /there is no system "avi6"/,
    hint: /did you mean avi5\?/,
  })
})

test.each([
  ['a variable', '{ env: NOT_SET }', /the variable NOT_SET is not set/, /set NOT_SET in the environment/],
  ['a file', '{ file: keys/none }', /keys\/none/, /put the secret into \S+keys\/none/],
])('a missing secret is refused with %s to set', async (_, reference, message, hint) => {
  const env = await environmentWith({ encryption: `encryption: { activeKey: k1, keys: { k1: ${reference} } }` })
  await expectRefusal(env, ['ls'], { code: 'SECRET_MISSING', message, hint })
})
