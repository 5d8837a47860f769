import { expect, test } from 'vitest'
import { collectSettings } from '../../src/starters/init/collect-settings.js'
import { defaultSettings } from '../../src/starters/init/questions.js'
import { facts } from '../config/sample.js'

const filePath = '/etc/holdfast/holdfast.yaml'
const defaults = defaultSettings('db1', new Date())

test('a path is meant from the current directory, not from that of the file', async () => {
  const given = { directory: 'backups', stateDirectory: '../state' }
  const settings = await collectSettings({ defaults, given, terminal: undefined, filePath, facts })
  expect(settings).toMatchObject({ directory: '/work-directory/backups', stateDirectory: '/state' })
})

test('a home directory and an absolute path stay as they are', async () => {
  const given = { directory: '~/backups', stateDirectory: '/srv/state' }
  const settings = await collectSettings({ defaults, given, terminal: undefined, filePath, facts })
  expect(settings).toMatchObject(given)
})
