import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      healthcheck: z.unknown().optional(),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
})

const text = await readFile('docker-compose.yml', 'utf8')
const compose = composeFile.parse(parse(text))
const services = Object.entries(compose.services)

test.each(services)('%s runs a pinned image and is reached from this machine alone', (_, { image, ports }) => {
  expect(image).toMatch(/^[\w/-]+:v?\d+\.\d+[\w.-]*$/)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
})

test.each(services)('%s depends on services that tell when they are ready, and keeps data in declared volumes', (_, service) => {
  for (const [name, { condition }] of Object.entries(service.depends_on)) {
    expect(compose.services).toHaveProperty([name])
    if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck).toBeDefined()
  }
  for (const volume of service.volumes) expect(compose.volumes).toHaveProperty([volume.split(':')[0] ?? ''])
})

test('the example of .env names every variable and gives no secret away', async () => {
  const example = await readFile('.env.example', 'utf8')
  const named = [...example.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  const used = new Set([...text.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name))
  expect(named).toEqual([...used].map((name) => [name, '']))
})
