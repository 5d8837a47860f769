import { expect, test } from 'vitest'
import { runTogether } from '../../src/workers/run-together.js'

/** A worker that runs until it is shut down, or fails. */
function worker(name: string, ended: string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let state: 'INITIALIZED' | 'RUNNING' | 'STOPPED' = 'INITIALIZED'
  const end = (settle: () => void) => {
    // As Temporal's own: whoever does not run cannot be shut down.
    if (state !== 'RUNNING') throw new Error(`not running: ${state}`)
    state = 'STOPPED'
    ended.push(name)
    settle()
  }
  return {
    getState: () => state,
    run() {
      state = 'RUNNING'
      return promise
    },
    shutdown: () => end(resolve),
    fail: (error: Error) => end(() => reject(error)),
  }
}

test('a worker that fails ends the others, and its own reason is told when all have ended', async () => {
  const ended: string[] = []
  const [one, two, three] = [worker('one', ended), worker('two', ended), worker('three', ended)]
  const running = runTogether([one, two, three])
  two.fail(new Error('the namespace is gone'))
  await expect(running).rejects.toMatchObject({
    code: 'CONTROL_PLANE',
    message: expect.stringContaining('the namespace is gone'),
  })
  expect(ended).toEqual(['two', 'one', 'three'])
})

test('workers that are shut down have ended well', async () => {
  const [one, two] = [worker('one', []), worker('two', [])]
  const running = runTogether([one, two])
  one.shutdown()
  two.shutdown()
  await expect(running).resolves.toBeUndefined()
})
