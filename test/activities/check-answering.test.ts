import { expect, test } from 'vitest'
import { checkAnswering } from '../../src/activities/check-answering.js'
import { HoldfastError } from '../../src/domain/errors.js'

const away = async () => {
  throw new HoldfastError('SOURCE_UNAVAILABLE', 'it ended')
}

test('a server that goes away while it is checked is asked again, and one that always does has failed', async () => {
  for (const attempt of [1, 4]) await expect(checkAnswering(away, attempt)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' })
  expect(await checkAnswering(away, 5)).toEqual([
    { name: 'connection', stage: 'running', outcome: 'failed', message: 'it ended' },
  ])
})
