import { expect, test } from 'vitest'
import { type Block, blocksOf, operatorPages } from './markdown.js'

/** Commands of the pages that no test runs, by a line of the block, and why. Anything else is marked `test=<scenario>`. */
const notRun: Readonly<Record<string, string>> = {
  'systemctl daemon-reload': 'needs systemd as the first process of the machine',
  'docker compose up --detach': 'needs images of a registry; test/lint reads the file',
  'aws s3 ls --recursive s3://backups-prod/ | grep manifest.json': 'an example with a backup of somebody else',
  "grep -i 'drop table' /var/log/postgresql/postgresql-15-main.log": 'a mistake of somebody else',
  'holdfast restore avi5 --name avi5-before --to 2026-01-10T14:59:30+01:00': 'the moment of somebody else’s mistake',
  'holdfast instances drop avi5-before': 'a table of somebody else',
  'holdfast wal start avi5': 'the server that has taken over is not archived in the test',
  "runuser -u postgres -- psql -c 'ALTER SYSTEM RESET archive_mode'": 'the archive of an original that is no more',
}

const blocks = (await Promise.all(operatorPages.map(blocksOf))).flat()

test('every block of commands is run by a test or is on the list of those that cannot be', () => {
  const unmarked = blocks.filter(({ language, marks }) => language === 'sh' && marks.test === undefined)
  expect(unmarked.filter((block) => reasonOf(block) === undefined).map(({ page, line }) => `${page}:${line}`)).toEqual([])
})

test('the list holds nothing that is not in the pages', () => {
  const lines = blocks.filter(({ marks }) => marks.test === undefined).flatMap(({ text }) => text.split('\n'))
  expect(Object.keys(notRun).filter((line) => !lines.includes(line))).toEqual([])
})

test('every scenario that a block names is one that is run', () => {
  const named = new Set(blocks.map(({ marks }) => marks.test).filter((name) => name !== undefined))
  expect([...named].sort()).toEqual(['everything-gone', 'first-backup', 'plain-tools', 'set-back'])
})

function reasonOf({ text }: Block): string | undefined {
  const line = text.split('\n').find((candidate) => Object.hasOwn(notRun, candidate))
  return line === undefined ? undefined : notRun[line]
}
