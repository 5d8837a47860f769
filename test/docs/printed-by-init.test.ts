import { expect, test } from 'vitest'
import { hostAccessLines, roleCommands } from '../../src/starters/init/role-commands.js'
import { scenario } from './markdown.js'

test('the first steps show what init prints for them', async () => {
  const shown = (await scenario('first-backup')).map(({ text }) => text).join('\n')
  const server = { host: '127.0.0.1', port: 5432 }
  const passwordFile = '/etc/holdfast/keys/postgres.password'
  const { create, readFiles } = roleCommands({ role: 'backup', server, passwordFile, runBy: 'root' })
  for (const printed of [create, readFiles, hostAccessLines('backup', server).join('\n')]) expect(shown).toContain(printed)
})
