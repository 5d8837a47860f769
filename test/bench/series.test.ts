import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import type { Contender, ContenderName } from '../../bench/contender.js'
import { runSeries } from '../../bench/series.js'
import { createStory } from '../../scripts/demo/story.js'

const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
const figures = { wallMs: 1, peakBytes: 1, peakShares: {}, cpuSeconds: 1, storedBytes: 1, sourceCpuSeconds: 1 }

function contender(name: ContenderName, backUp: Contender['backUp'] = async () => figures): Contender {
  return { name, prepare: async () => {}, backUp }
}

const failing = async () => {
  throw new Error('the bucket is gone')
}

function series(contenders: readonly Contender[], runs: number) {
  const story = createStory(nowhere, {})
  return { story, turns: runSeries(contenders, runs, story, new AbortController().signal) }
}

test('each round begins with another', async () => {
  const { turns } = series([contender('holdfast'), contender('pgbackrest'), contender('bound')], 2)
  const order = (await turns).map((turn) => turn.contender)
  expect(order).toEqual(['holdfast', 'pgbackrest', 'bound', 'pgbackrest', 'bound', 'holdfast'])
})

test('the failed turn of another is said and left out', async () => {
  const { story, turns } = series([contender('pg_dump', failing), contender('holdfast')], 1)
  expect((await turns).map((turn) => turn.contender)).toEqual(['holdfast'])
  expect(story.objections).toEqual(['pg_dump: the bucket is gone'])
})

test('a failed turn of Holdfast ends the run', async () => {
  await expect(series([contender('holdfast', failing)], 1).turns).rejects.toThrow('the bucket is gone')
})
