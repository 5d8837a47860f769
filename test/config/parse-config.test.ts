import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.js'
import { parseConfig } from '../../src/config/parse-config.js'
import { HoldfastError } from '../../src/domain/errors.js'
import type { SystemName } from '../../src/domain/ids.js'
import { facts, sampleWith } from './sample.js'

const parse = (text: string): Config => parseConfig(text, '/etc/holdfast/holdfast.yaml', facts)

test('a small file is filled in with defaults, absolute paths and units', () => {
  const config = parse(sampleWith({}))
  expect(config).toMatchObject({
    version: 1,
    host: 'db1',
    stateDirectory: '/home/backup/.local/state/holdfast',
    temporal: { address: '127.0.0.1:7233', namespace: 'default' },
    encryption: { kind: 'keys', activeKey: 'k1', keys: { k1: { file: '/etc/holdfast/keys/k1' } } },
    instances: {
      directory: '/home/backup/.local/state/holdfast/instances',
      user: 'backup',
      ports: { first: 15432, last: 15532 },
    },
    worker: { bulkSlots: 2, shutdownGraceMs: 20_000 },
    timeouts: { heartbeatMs: 60_000, leaseMs: 900_000, replicationDeadlineMs: 43_200_000 },
    repositories: {
      local: {
        name: 'local',
        store: 'filesystem',
        path: '/etc/holdfast/backups',
        capture: true,
        replicationDeadlineMs: 43_200_000,
      },
      primary: { name: 'primary', store: 's3', prefix: 'a/b', capture: false, partsInFlight: 4, region: 'us-east-1' },
    },
    systems: {
      avi5: {
        name: 'avi5',
        host: 'db1',
        connection: { hosts: [{ host: '127.0.0.1', port: 5432 }], database: 'postgres', tls: { mode: 'prefer' } },
        captureRepository: 'local',
        kinds: { full: { repositories: ['local', 'primary'] } },
        compression: { where: 'auto', level: 1 },
        limits: {},
        hooks: { before: [], after: [] },
      },
    },
  })
})

test('WAL is spooled below the state directory, and marked three times in the time that may be lost', () => {
  const wal = (more: string) => {
    const line = `    repositories: [local, primary]\n    wal: { mode: stream, required: [primary]${more}`
    return parse(sampleWith({ 'repositories: [': line })).systems['avi5' as SystemName]?.wal
  }
  expect(wal(' }')).toEqual({
    mode: 'stream',
    required: ['primary'],
    spoolDirectory: '/home/backup/.local/state/holdfast/wal/avi5',
    spoolMaximumBytes: 20_000_000_000,
    markIntervalMs: 60_000,
  })
  expect(wal(', spool: { directory: ./spool, maxSize: 1GB } }\n    objectives: { rpo: 30s }')).toMatchObject({
    spoolDirectory: '/etc/holdfast/spool/avi5',
    spoolMaximumBytes: 1_000_000_000,
    markIntervalMs: 10_000,
  })
})

test('logical backups take all databases, one connection and the repositories of the system unless told otherwise', () => {
  const kinds = (logical: string) => {
    const line = `    repositories: [local, primary]\n    kinds: { full: {}, logical: ${logical} }`
    return parse(sampleWith({ 'repositories: [': line })).systems['avi5' as SystemName]?.kinds.logical
  }
  expect(kinds('{}')).toEqual({ repositories: ['local', 'primary'], jobs: 1 })
  const told = '{ repositories: [local], databases: [shop], jobs: 4 }'
  expect(kinds(told)).toEqual({ repositories: ['local'], databases: ['shop'], jobs: 4 })
  expect(() => kinds('{ repositories: [primary] }')).toThrow(/logical backups are captured into local/)
})

test('root keeps its state below /var/lib and starts instances as postgres', () => {
  const config = parseConfig(sampleWith({}), '/x.yaml', { ...facts, userId: 0 })
  expect([config.stateDirectory, config.instances.user]).toEqual(['/var/lib/holdfast', 'postgres'])
})

test('what the file says wins over defaults', () => {
  const config = parse(
    sampleWith({
      host: 'host: db2',
      stateDirectory: 'stateDirectory: ~/hf',
      timeouts: 'timeouts: { heartbeat: 2s, lease: 1h30m, replicationDeadline: 1m }',
      tools: 'tools: { postgres: { 15: /opt/15/bin } }',
      encryption: 'encryption: off',
      local: '  local: { store: filesystem, path: /b, capture: true, replicationDeadline: 5s, retention: { fulls: 3 } }',
      'repositories: [': '    repositories: [local]\n    limits: { maxRate: 50MB/s, compressionLevel: 3 }\n    host: db3',
    }),
  )
  expect(config).toMatchObject({
    host: 'db2',
    stateDirectory: '/home/backup/hf',
    timeouts: { heartbeatMs: 2000, leaseMs: 5_400_000 },
    tools: { postgres: { 15: '/opt/15/bin' } },
    encryption: { kind: 'off' },
    repositories: { local: { replicationDeadlineMs: 5000, retention: { fulls: 3 } }, primary: { replicationDeadlineMs: 60_000 } },
    systems: { avi5: { host: 'db3', compression: { level: 3 }, limits: { maxRateBytesPerSecond: 50_000_000 } } },
  })
})

test('anchors and merge keys are understood', () => {
  const primary = '  primary: &s3 { store: s3, bucket: backups-prod }\n  second: { <<: *s3, bucket: backups-two }'
  expect(parse(sampleWith({ primary })).repositories).toMatchObject({ second: { store: 's3', bucket: 'backups-two' } })
})

test.each([
  ['"db1"', { host: 'db1', port: 5432 }],
  ['"[::1]:5433"', { host: '::1', port: 5433 }],
  ['/run/postgresql:5434', { host: '/run/postgresql', port: 5434 }],
])('a host can be written as %s', (written, host) => {
  const text = sampleWith({ connection: `    connection: { hosts: [${written}], user: backup }` })
  expect(parse(text).systems).toMatchObject({ avi5: { connection: { hosts: [host] } } })
})

test.each<[string, Record<string, string>, string]>([
  [
    'a misspelt key',
    { timeouts: 'timeouts: { hartbeat: 1m }' },
    'timeouts.hartbeat (line 11): unknown key; write heartbeat instead',
  ],
  ['a key with letters swapped', { host: 'hsot: db1' }, 'hsot (line 11): unknown key; write host instead'],
  [
    'a key nothing is near to',
    { tools: 'tools: { redis: 1 }' },
    'tools.redis (line 11): unknown key; write one of postgres instead',
  ],
  ['a missing key', { version: '' }, 'version (line 1): is missing; write version: 1'],
  ['another version', { version: 'version: 2' }, 'version (line 1): 2 is not `1`; write 1 instead'],
  ['an empty key', { worker: 'worker:' }, 'worker (line 11): is empty; write its keys below it, or remove the key'],
  [
    'a duration without unit',
    { timeouts: 'timeouts: { light: 60 }' },
    'timeouts.light (line 11): 60 is not a duration with its unit, above 0; write 2m instead',
  ],
  [
    'a duration of nothing',
    { timeouts: 'timeouts: { light: 0s }' },
    'timeouts.light (line 11): "0s" is not a duration with its unit, above 0; write 2m instead',
  ],
  [
    'a number too large',
    { worker: 'worker: { bulkSlots: 100 }' },
    'worker.bulkSlots (line 11): 100 is not a whole number from 1 to 64; write 2 instead',
  ],
  [
    'a text for a list',
    { 'repositories: [': '    repositories: local' },
    'systems.avi5.repositories (line 10): "local" is not a list of repositories; write [local, primary] instead',
  ],
  [
    'a span of ports backwards',
    { instances: 'instances: { ports: 9000-8000 }' },
    'instances.ports (line 11): "9000-8000" is not a span of ports from 1024 to 65535; write "15432-15532" instead',
  ],
  [
    'a size below the smallest',
    { 'repositories: [': '    repositories: [local]\n    wal: { mode: stream, required: [local], spool: { maxSize: 100MB } }' },
    'systems.avi5.wal.spool.maxSize (line 11): "100MB" is not a size with its unit, at least 256MiB; write 20GB instead',
  ],
  [
    'a certificate without its key',
    { connection: '    connection: { hosts: [h], user: u, tls: { mode: require, certFile: c.pem } }' },
    'systems.avi5.connection.tls.certFile (line 9): certFile and keyFile go together; write keyFile as well, or remove it',
  ],
  [
    'a key without its certificate',
    { temporal: 'temporal: { tls: { keyFile: k.pem } }' },
    'temporal.tls.keyFile (line 11): certFile and keyFile go together; write certFile as well, or remove it',
  ],
  [
    'a misspelt engine',
    { engine: '    engine: postgress' },
    'systems.avi5.engine (line 8): "postgress" is not known; write postgres instead',
  ],
  [
    'a missing store',
    { primary: '  primary: { bucket: backups-prod }' },
    'repositories.primary.store (line 5): is missing; write store: filesystem or s3',
  ],
  [
    'a name in capitals',
    { avi5: '  AVI5:' },
    'systems.AVI5 (line 7): "AVI5" is not a name for this; write 1 to 63 of a-z, 0-9, "_" and "-", beginning with a letter or a digit, instead',
  ],
  [
    'no encryption',
    { encryption: '' },
    'encryption (line 1): is missing; write encryption: { activeKey: "2026-11", keys: { "2026-11": { file: keys/2026-11.key } } }',
  ],
  [
    'a misspelt key of encryption',
    { encryption: 'encryption: { activeKey: k1, kyes: {} }' },
    'encryption.kyes (line 2): unknown key; write keys instead',
  ],
  [
    'an active key that is not there',
    { encryption: 'encryption: { activeKey: k2, keys: { k1: { env: K } } }' },
    'encryption.activeKey (line 2): "k2" is not among encryption.keys; write "k1" instead, or add it to the keys',
  ],
  [
    'an unknown repository',
    { 'repositories: [': '    repositories: [local, primry]' },
    'systems.avi5.repositories[1] (line 10): "primry" is not a repository of this file; write primary instead',
  ],
  [
    'a repository named twice',
    { 'repositories: [': '    repositories: [local, local]' },
    'systems.avi5.repositories[1] (line 10): local stands twice in this list; remove one of them',
  ],
  [
    'no repository that captures',
    { 'repositories: [': '    repositories: [primary]' },
    'systems.avi5.repositories (line 10): none of primary captures; write capture: true at a filesystem repository and name it here',
  ],
  [
    'two that capture',
    { primary: '  primary: { store: filesystem, path: /p, capture: true }' },
    'systems.avi5.repositories (line 10): local and primary all have capture: true; write only one of them here',
  ],
  [
    'capture into a bucket',
    { primary: '  primary: { store: s3, bucket: abc, capture: true }' },
    'repositories.primary.capture (line 5): backups are captured into a directory first; write capture: true at a filesystem repository instead',
  ],
  [
    'a kind without the capture repository',
    { 'repositories: [': '    repositories: [local, primary]\n    kinds: { full: { repositories: [primary] } }' },
    'systems.avi5.kinds.full.repositories (line 11): full backups are captured into local; write it in this list too',
  ],
  [
    'two repositories at one place',
    { primary: '  primary: { store: filesystem, path: ./x/../backups }' },
    'repositories.primary.path (line 5): is the same place as repository local; write another path, or remove one of the two',
  ],
  [
    'two levels of compression',
    { 'repositories: [': '    repositories: [local]\n    compression: { level: 2 }\n    limits: { compressionLevel: 3 }' },
    'systems.avi5.limits.compressionLevel (line 12): contradicts compression.level; write the level in one place only',
  ],
  [
    'WAL required elsewhere',
    { 'repositories: [': '    repositories: [local]\n    wal: { mode: stream, required: [primary] }' },
    'systems.avi5.wal.required[0] (line 11): "primary" is not among the system’s repositories; write one of local instead',
  ],
  [
    'WAL that nobody requires',
    { 'repositories: [': '    repositories: [local]\n    wal: { mode: stream, required: [] }' },
    'systems.avi5.wal.required (line 11): a list is not a list of repositories; write [primary] instead',
  ],
  [
    'WAL without full backups',
    { 'repositories: [': '    repositories: [local]\n    kinds: { logical: {} }\n    wal: { mode: stream, required: [local] }' },
    'systems.avi5.wal (line 12): WAL is of no use without full backups to replay it on; write full: {} below kinds, or remove it',
  ],
  [
    'a lease shorter than a heartbeat',
    { timeouts: 'timeouts: { lease: 1s }' },
    'timeouts.lease (line 11): is shorter than timeouts.heartbeat; write a longer time, or shorten heartbeat',
  ],
  ['a key given twice', { version: 'version: 1\nversion: 1' }, 'line 2: version stands twice in one map; remove one of them'],
  [
    'a hook as text',
    { 'repositories: [': '    repositories: [local]\n    hooks: { before: [reload app] }' },
    'systems.avi5.hooks.before[0] (line 11): "reload app" is not a program and its arguments; write [ "systemctl", "reload", "app" ] instead',
  ],
  [
    'an endpoint with a path',
    { primary: '  primary: { store: s3, bucket: abc, endpoint: "http://h/x" }' },
    'repositories.primary.endpoint (line 5): "http://h/x" is not an http or https address without a password or path; write "https://s3.example.com" instead',
  ],
])('%s is refused with its line and what to write', (_, replacements, problem) => {
  expect(problemsOf(sampleWith(replacements))).toEqual([problem])
})

test.each([
  ['another engine', { engine: '    engine: redis' }, 'systems.avi5.engine'],
  ['another store', { primary: '  primary: { store: gcs, bucket: abc }' }, 'repositories.primary.store'],
  [
    'tiers',
    { primary: '  primary: { store: s3, bucket: abc, tiers: [{ afterDays: 3, class: GLACIER }] }' },
    'repositories.primary.tiers',
  ],
  [
    'another kind',
    { 'repositories: [': '    repositories: [local]\n    kinds: { full: {}, incremental: {} }' },
    'systems.avi5.kinds.incremental',
  ],
  [
    'a schedule of dumps',
    { 'repositories: [': '    repositories: [local]\n    kinds: { full: {}, logical: { schedule: x } }' },
    'systems.avi5.kinds.logical.schedule',
  ],
  [
    'a schedule',
    { 'repositories: [': '    repositories: [local]\n    kinds: { full: { schedule: "0 3 * * *" } }' },
    'systems.avi5.kinds.full.schedule',
  ],
  ['verification', { 'repositories: [': '    repositories: [local]\n    verify: { target: "-24h" }' }, 'systems.avi5.verify'],
  ['the drill', { 'repositories: [': '    repositories: [local]\n    drill: {}' }, 'systems.avi5.drill'],
  [
    'smoke tests',
    { 'repositories: [': '    repositories: [local]\n    smokeTests: { tables: [{ name: t }] }' },
    'systems.avi5.smokeTests',
  ],
])('%s is refused as not yet supported instead of being passed over', (_, replacements, key) => {
  const problems = problemsOf(sampleWith(replacements))
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(
    new RegExp(`^${key.replaceAll('.', '\\.')} \\(line \\d+\\): .*is not yet supported by this version; \\w+`),
  )
})

test('all problems are reported at once, in the order of the file', () => {
  const problems = problemsOf(
    sampleWith({
      version: 'version: 1\nhots: x',
      local: '  local: { store: filesystem, path: 3 }',
      engine: '    engine: redis',
      'repositories: [': '    repositories: [locl, primary]',
      timeouts: 'timeouts: { lease: never }',
    }),
  )
  expect(problems.map((problem) => problem.replace(/:.*/, ''))).toEqual([
    'hots (line 2)',
    'repositories.local.path (line 5)',
    'systems.avi5.engine (line 9)',
    'systems.avi5.repositories[0] (line 11)',
    'timeouts.lease (line 12)',
  ])
})

test.each([
  ['a password as text', { connection: '    connection: { hosts: [h], user: u, password: hunter2 }' }],
  ['a password as a number', { connection: '    connection: { hosts: [h], user: u, password: 72727272 }' }],
  ['a password in a host', { connection: '    connection: { hosts: ["u:hunter2@h"], user: u }' }],
  ['a URI for a connection', { connection: '    connection: "postgres://u:hunter2@h"' }],
  ['an endpoint with a password', { primary: '  primary: { store: s3, bucket: abc, endpoint: "https://u:hunter2@h" }' }],
  ['credentials as text', { primary: '  primary: { store: s3, bucket: abc, credentials: hunter2 }' }],
  ['keys as text', { encryption: 'encryption: { activeKey: k1, keys: hunter2 }' }],
  ['a key as a value', { encryption: 'encryption: { activeKey: k1, keys: { k1: { value: hunter2 } } }' }],
  ['a tag', { connection: '    connection: { hosts: [h], user: u, password: !hunter2 x }' }],
  ['an alias', { connection: '    connection: { hosts: [h], user: u, password: *hunter2 }' }],
  ['an open quote', { connection: '    connection: { hosts: [h], user: u, password: "hunter2 }' }],
  ['an escape', { connection: '    connection: { hosts: [h], user: u, password: "\\hunter2" }' }],
])('%s is refused and not repeated', (_, replacements) => {
  const text = problemsOf(sampleWith(replacements)).join('\n')
  expect(text).not.toBe('')
  expect(text).not.toMatch(/hunter2|72727272/)
})

test('a secret as text is told how to be written', () => {
  const connection = '    connection: { hosts: [h], user: u, password: hunter2 }'
  expect(problemsOf(sampleWith({ connection }))).toEqual([
    'systems.avi5.connection.password (line 9): a secret must not stand in this file; write { env: NAME } or { file: path } instead',
  ])
})

test('broken syntax is reported with its line', () => {
  expect(problemsOf('version: 1\nsystems: { avi5: [ }\n')[0]).toMatch(/^line 2: not valid YAML: /)
})

test('a key that is indented too deep is one problem, with its line and what to do', () => {
  const local = '  local:\n    store: filesystem\n     path: /b\n    capture: true'
  expect(problemsOf(sampleWith({ local }))).toEqual([
    'line 5: what comes below is indented deeper than it may be; begin it in the column of its neighbours',
  ])
})

test.each(['', '# nothing\n', '---\n'])('an empty file (%j) is told what to hold', (text) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(/^line 1: the file is empty; write version/)])
})

test('a file without systems protects nothing and is refused', () => {
  const text = ['version: 1', 'encryption: off', 'repositories: { local: { store: filesystem, path: /b } }', 'systems: {}'].join(
    '\n',
  )
  expect(problemsOf(text)).toEqual([expect.stringMatching(/^systems \(line 4\): no system is configured; write/)])
})

test('a state directory too long for sockets is refused, also when it is the default', () => {
  const long = `/${'x'.repeat(70)}`
  expect(problemsOf(sampleWith({ stateDirectory: `stateDirectory: ${long}` }))).toEqual([
    expect.stringMatching(/^stateDirectory \(line 11\): .* has 71 bytes/),
  ])
  expect(() => parseConfig(sampleWith({}), '/x.yaml', { ...facts, homeDirectory: long })).toThrow(/stateDirectory \(line 1\)/)
})

test('many aliases do not fill the memory', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(9)}]`),
  ]
  expect(problemsOf(bomb.join('\n')).join()).toContain('too many aliases')
})

function problemsOf(text: string): string[] {
  try {
    parse(text)
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    const [head, ...lines] = error.message.split('\n')
    expect(head).toMatch(/^\/etc\/holdfast\/holdfast\.yaml has \d+ problems?:$/)
    return lines.map((line) => line.trim())
  }
  return []
}
