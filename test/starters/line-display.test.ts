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

const idle = { doing: [], obstacles: [] }

const capture = (doneBytes: number) => ({
  steps: [{ name: 'capture', state: 'running', progress: { step: 'capture', doneBytes, totalBytes: 4e6 } }] as const,
  ...idle,
})

test('a step is told once for each of its states', () => {
  display.show({ steps: [{ name: 'check', state: 'waiting' }], ...idle })
  display.show({ steps: [{ name: 'check', state: 'running' }], ...idle })
  display.show({ steps: [{ name: 'check', state: 'running' }], ...idle })
  display.show({ steps: [{ name: 'check', state: 'done', note: '15.18' }], ...idle })
  expect(lines).toEqual(['check: running', 'check: done (15.18)'])
})

test('a step that begins again is told again', () => {
  for (const state of ['running', 'failed', 'running'] as const) display.show({ steps: [{ name: 'check', state }], ...idle })
  expect(lines).toEqual(['check: running', 'check: failed', 'check: running'])
})

test('a step that was asked to end has not failed', () => {
  display.show({ steps: [{ name: 'receive', state: 'failed', note: 'STOPPED: cancelled' }], ...idle })
  expect(lines).toEqual(['receive: stopped'])
})

test('what runs is told again every half a minute, with its figures or with how long it stands still', () => {
  display.show(capture(0))
  nowMs = 29_000
  display.show(capture(1e6))
  nowMs = 31_000
  display.show(capture(2e6))
  nowMs = 62_000
  display.show(capture(2e6))
  expect(lines).toEqual(['capture: running', 'capture: running: 2.00 MB of 4.00 MB', 'capture: running for 1m 02s'])
})

const waiting = (...texts: readonly string[]) => ({
  ...{ steps: [], doing: ['reserving the system'] },
  obstacles: texts.map((text) => ({ key: 'lease', text })),
})

test('an obstacle is told when it comes and every half a minute while it stays, with the way out once', () => {
  const counted = ['tried once', 'tried twice', 'tried 30 times', 'tried 31 times']
  for (const [index, text] of counted.entries()) {
    nowMs = [0, 20_000, 31_000, 40_000][index] ?? 0
    display.show(waiting(text))
  }
  nowMs = 41_000
  display.show(waiting())
  display.show(waiting('tried 32 times'))
  const leave = expect.stringContaining('holdfast cancel')
  expect(lines).toEqual(['  tried once', leave, '  tried 30 times', '  tried 32 times'])
})

test('there is never silence for longer, also between steps', () => {
  display.show(waiting())
  nowMs = 30_000
  display.show(waiting())
  expect(lines).toEqual(['  reserving the system'])
})
