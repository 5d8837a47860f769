import { expect, test } from 'vitest'
import { renderStatus } from '../../src/domain/operation-status.js'

test('a status is one paragraph: title, then a line for each step with what is known of it', () => {
  const text = renderStatus({
    title: 'Backup shop',
    steps: [
      { name: 'check', state: 'done', note: 'server version 15.18' },
      {
        name: 'capture',
        state: 'running',
        note: 'attempt 1 lost',
        progress: { step: 'capture', doneBytes: 1e6, totalBytes: 4e6, counters: { 'parts sent': 3 } },
      },
      { name: 'commit local', state: 'waiting' },
      { name: 'replicate primary', state: 'failed' },
    ],
  })
  expect(text.replace(/\n\n\u00a0$/, '').split('\\\n')).toEqual([
    '**Backup shop**',
    '✔ **check** server version 15.18',
    '▶ **capture** attempt 1 lost · 1.00 MB of 4.00 MB, parts sent 3',
    '· commit local',
    '✘ **replicate primary**',
  ])
})

test('figures of a step that is over are not shown: its note says how it ended', () => {
  const progress = { step: 'capture', doneBytes: 1e6 }
  expect(renderStatus({ title: 't', steps: [{ name: 'capture', state: 'done', note: '2.00 MB', progress }] })).toContain(
    '✔ **capture** 2.00 MB',
  )
})

test('what an error quotes is not taken for Markdown', () => {
  const note = 'cannot read <base>: `a|b`\nor *c* [d]'
  expect(renderStatus({ title: 't', steps: [{ name: 'x', state: 'failed', note }] })).toBe(
    '**t**\\\n✘ **x** cannot read \\<base\\>: \\`a\\|b\\` or \\*c\\* \\[d\\]\n\n\u00a0',
  )
})
