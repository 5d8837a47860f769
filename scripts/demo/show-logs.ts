import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shortPath } from './holdfast.js'
import type { Places } from './places.js'
import type { Story } from './story.js'

const linesOfEach = 12

/** The last lines of every log, for whoever has to find out why the demo failed. */
export async function showLogs(story: Story, { directory }: Places): Promise<void> {
  const patterns = ['worker.log', 'temporal/temporal.log', 'state/jobs/*/log', 'pg-*/server.log', 'instances/*/*.log']
  for await (const path of glob(patterns.map((pattern) => join(directory, pattern)))) {
    const text = await readFile(path, 'utf8').catch(() => '')
    const lines = text.trimEnd().split('\n').slice(-linesOfEach)
    if (text.trim() === '') continue
    story.say(`the end of ${shortPath(path)}:`)
    for (const line of lines) story.output(line.slice(0, 400))
  }
}
