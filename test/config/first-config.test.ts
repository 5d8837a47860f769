import { describe, expect, test } from 'vitest'
import { renderFirstConfig } from '../../src/config/first-config.js'
import { parseConfig } from '../../src/config/parse-config.js'
import { defaultSettings } from '../../src/starters/init/questions.js'
import { facts } from './sample.js'

const defaults = defaultSettings('db1.example.com', new Date('2026-11-30T23:59:59Z'))
const withBucket = { ...defaults, bucket: 'backups-prod', endpoint: 'https://s3.example.com', credentials: 'files' } as const

describe('the text of a first configuration', () => {
  test.each([
    ['with the defaults', defaults],
    ['with a bucket', withBucket],
    ['with a bucket of Amazon whose credentials the SDK finds', { ...withBucket, endpoint: '', credentials: 'found' as const }],
    ['without encryption', { ...defaults, encryption: false }],
  ])('%s loads, and still does with everything switched on that is commented out', (_, settings) => {
    const text = renderFirstConfig(settings)
    const all = text.replaceAll(/^( *)#(?=\S)/gm, '$1')
    expect(Object.keys(parseConfig(text, '/etc/holdfast/holdfast.yaml', facts).systems)).toEqual(['db1'])
    expect(all).not.toBe(text)
    const { repositories, systems } = parseConfig(all, '/etc/holdfast/holdfast.yaml', facts)
    expect(repositories).toHaveProperty('second.bucket', 'backups-elsewhere')
    expect(systems).toHaveProperty('db1.hooks.before', [['systemctl', 'is-active', 'postgresql']])
  })

  test('explains itself in each part, with the way to the reference', () => {
    expect(renderFirstConfig(defaults).match(/docs\/\w+\.md/g)?.length).toBeGreaterThan(3)
    expect(renderFirstConfig(defaults)).toContain('WITHOUT ITS KEY NO BACKUP CAN BE READ')
  })

  test('holds any text as the text it is', () => {
    const odd = { role: 'a "b": #c\n- d', directory: '/var/x: {y} # z\\', system: 'null' }
    const { systems, repositories } = parseConfig(renderFirstConfig({ ...withBucket, ...odd }), '/etc/h.yaml', facts)
    expect(systems).toHaveProperty('null.connection.user', odd.role)
    expect(repositories).toHaveProperty('local.path', odd.directory)
  })
})

test.each([
  ['db1.example.com', 'db1'],
  ['DB 1', 'db-1'],
  ['-x', 'x'],
  ['мир', 'main'],
  ['', 'main'],
])('the machine %j has by default the system %s', (hostName, system) => {
  const settings = defaultSettings(hostName, new Date(0))
  expect(settings.system).toBe(system)
  expect(() => parseConfig(renderFirstConfig(settings), '/etc/h.yaml', facts)).not.toThrow()
})
