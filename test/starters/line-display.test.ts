import { beforeEach, expect, test } from 'vitest'
import { createLineDisplay, type ProgressDisplay } from '../../src/starters/progress-display.js'

let lines: string[]
let nowMs: number
let display: ProgressDisplay

beforeEach(() => {
  lines = []
  nowMs = 0
  const write = (text: string) => {
    lines.push(text.trimEnd())
    return true
  }
  display = createLineDisplay({ write } as NodeJS.WritableStream, () => nowMs)
})

const capture = (doneBytes: number) => ({
  steps: [{ name: 'capture', state: 'running', progress: { step: 'capture', doneBytes, totalBytes: 4e6 } }] as const,
  remarks: [],
})

test('a step is told once for each of its states', () => {
  display.show({ steps: [{ name: 'check', state: 'waiting' }], remarks: [] })
  display.show({ steps: [{ name: 'check', state: 'running' }], remarks: [] })
  display.show({ steps: [{ name: 'check', state: 'running' }], remarks: [] })
  display.show({ steps: [{ name: 'check', state: 'done', note: '15.18' }], remarks: [] })
  expect(lines).toEqual(['check: running', 'check: done (15.18)'])
})

test('a step that begins again is told again', () => {
  for (const state of ['running', 'failed', 'running'] as const) display.show({ steps: [{ name: 'check', state }], remarks: [] })
  expect(lines).toEqual(['check: running', 'check: failed', 'check: running'])
})

test('figures of a long step come every half a minute, if it moves', () => {
  display.show(capture(0))
  nowMs = 29_000
  display.show(capture(1e6))
  nowMs = 31_000
  display.show(capture(2e6))
  nowMs = 62_000
  display.show(capture(2e6))
  expect(lines).toEqual(['capture: running', 'capture: running: 2.00 MB of 4.00 MB'])
})

test('a remark is told when it comes, not while it stays or counts on', () => {
  const remarks = [['commit, attempt 2: away'], ['commit, attempt 3: away'], [], ['commit, attempt 9: away']]
  for (const each of remarks) display.show({ steps: [], remarks: each })
  expect(lines).toEqual(['  commit, attempt 2: away', '  commit, attempt 9: away'].map((line) => line.trimEnd()))
})
