import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { watchUsage } from '../../bench/watch-usage.js'

/** Holds 80 MB, uses half a second of the processor, says its pid and stays. */
const worker = `const held = Buffer.alloc(80e6, 1)
while (process.cpuUsage().user < 500_000);
console.log(process.pid)
setTimeout(() => console.log(held.length), 60_000)`

/** Starts it in a session of its own and ends. */
const parent = `const { spawn } = require('node:child_process')
spawn(process.execPath, ['-e', ${JSON.stringify(worker)}], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] })
setTimeout(() => process.exit(), 1000)`

/** Longer than the time between two looks. */
const aWhileMs = 250

test('memory and CPU time of what a program started are seen, also after the program has ended', async () => {
  const child = execa(process.execPath, ['-e', parent], { reject: false })
  const watch = watchUsage({ all: { roots: [child.pid ?? -1], of: 'tool' } })
  const [[pid]] = await Promise.all([once(child.stdout, 'data'), once(child.nodeChildProcess, 'exit')])
  await sleep(aWhileMs)
  const { all } = watch.stop()
  process.kill(Number(String(pid)), 'SIGKILL')
  await child
  expect(all.peakBytes).toBeGreaterThan(80e6)
  expect(Object.values(all.peakShares).reduce((sum, share) => sum + share, 0)).toBe(all.peakBytes)
  expect(all.cpuSeconds).toBeGreaterThan(0.4)
})

test('what a program used before it is watched does not count, and of a server only the CPU time does', async () => {
  const child = execa(process.execPath, ['-e', worker], { reject: false })
  await once(child.stdout, 'data')
  const watch = watchUsage({ server: { roots: [child.pid ?? -1], of: 'server' } })
  await sleep(aWhileMs)
  const { server } = watch.stop()
  child.kill('SIGKILL')
  await child
  expect(server.cpuSeconds).toBeLessThan(0.3)
  expect(server.peakBytes).toBe(0)
})
