import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/parse-config.js'
import { checkConfiguration } from '../../src/workers/doctor/check-configuration.js'
import { facts, sampleWith } from '../config/sample.js'

function findingsOf(replacements: Readonly<Record<string, string>>): string[] {
  const path = '/etc/holdfast/holdfast.yaml'
  const findings = checkConfiguration({ config: parseConfig(sampleWith(replacements), path, facts), path })
  return findings.map(({ subject, outcome }) => `${outcome} ${subject}`)
}

test('retention that is not acted on, and a patience that ends healthy jobs, are warned of', () => {
  expect(findingsOf({ timeouts: 'timeouts: { jobPatience: 30s }' })).toEqual(['ok configuration'])
  const local = '  local: { store: filesystem, path: /b, capture: true, retention: { days: 7 } }'
  expect(findingsOf({ local, timeouts: 'timeouts: { jobPatience: 29s }' })).toEqual([
    'ok configuration',
    'warning retention',
    'warning timeouts.jobPatience',
  ])
})
