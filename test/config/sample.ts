import type { HostFacts } from '../../src/config/host-facts.js'

export const facts: HostFacts = {
  hostName: 'db1',
  homeDirectory: '/home/backup',
  userId: 1000,
  userName: 'backup',
  currentDirectory: '/work-directory',
}

/** A valid file; each line is its own, so that tests can replace one. */
export const sampleLines: readonly string[] = [
  'version: 1',
  'encryption: { activeKey: k1, keys: { k1: { file: keys/k1 } } }',
  'repositories:',
  '  local: { store: filesystem, path: backups, capture: true }',
  '  primary: { store: s3, bucket: backups-prod, prefix: a/b/ }',
  'systems:',
  '  avi5:',
  '    engine: postgres',
  '    connection: { hosts: ["127.0.0.1:5432"], user: backup, password: { env: PGPASSWORD } }',
  '    repositories: [local, primary]',
]

/** The sample with the line that begins so replaced; without a replacement, or without such a line, it is left out or added. */
export function sampleWith(replacements: Readonly<Record<string, string>>): string {
  const used = new Set<string>()
  const lines = sampleLines.flatMap((line) => {
    const key = Object.keys(replacements).find((start) => line.trimStart().startsWith(start))
    if (key === undefined) return [line]
    used.add(key)
    return replacements[key] === '' ? [] : [replacements[key] ?? '']
  })
  return [...lines, ...Object.keys(replacements).flatMap((key) => (used.has(key) ? [] : [replacements[key] ?? '']))].join('\n')
}
