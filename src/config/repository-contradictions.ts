import { nearest } from '../domain/nearest.js'
import type { ResolvePath } from './place.js'
import type { Problem } from './problem.js'
import { asList, asMap, valueAt } from './raw.js'

/** Repositories named twice, at one place, or unknown; and whether each system has one to capture into. */
export function findRepositoryContradictions(raw: unknown, resolvePath: ResolvePath): Problem[] {
  const repositories = asMap(valueAt(raw, ['repositories']))
  const systems = Object.entries(asMap(valueAt(raw, ['systems'])))
  return [
    ...captureElsewhere(repositories),
    ...samePlace(repositories, resolvePath),
    ...systems.flatMap(([system, content]) => inSystem(['systems', system], content, repositories)),
  ]
}

type Repositories = Readonly<Record<string, unknown>>

function captureElsewhere(repositories: Repositories): Problem[] {
  return Object.entries(repositories).flatMap(([name, content]) => {
    const store = valueAt(content, ['store'])
    if (valueAt(content, ['capture']) !== true || store === 'filesystem' || typeof store !== 'string') return []
    const text = 'backups are captured into a directory first; write capture: true at a filesystem repository instead'
    return [{ path: ['repositories', name, 'capture'], text }]
  })
}

function samePlace(repositories: Repositories, resolvePath: ResolvePath): Problem[] {
  const seen = new Map<string, string>()
  return Object.entries(repositories).flatMap(([name, content]) => {
    const place = placeOf(asMap(content), resolvePath)
    if (place === undefined) return []
    const first = seen.get(place.identity)
    if (first === undefined) {
      seen.set(place.identity, name)
      return []
    }
    const text = `is the same place as repository ${first}; write another ${place.key}, or remove one of the two`
    return [{ path: ['repositories', name, place.key], text }]
  })
}

function placeOf(content: Repositories, resolvePath: ResolvePath): { identity: string; key: string } | undefined {
  if (content.store === 'filesystem' && typeof content.path === 'string') {
    return { identity: `file ${resolvePath(content.path)}`, key: 'path' }
  }
  if (content.store !== 's3' || typeof content.bucket !== 'string') return undefined
  const prefix = typeof content.prefix === 'string' ? content.prefix.replace(/\/$/, '') : ''
  const endpoint = typeof content.endpoint === 'string' ? content.endpoint.replace(/\/$/, '') : ''
  return { identity: `s3 ${endpoint} ${content.bucket} ${prefix}`, key: 'bucket' }
}

function inSystem(path: Problem['path'], content: unknown, repositories: Repositories): Problem[] {
  const listed = asList(valueAt(content, ['repositories']))
  const lists = [
    { at: ['wal', 'required'], names: valueAt(content, ['wal', 'required']) },
    ...Object.keys(asMap(valueAt(content, ['kinds']))).map((kind) => ({
      at: ['kinds', kind, 'repositories'],
      names: valueAt(content, ['kinds', kind, 'repositories']),
    })),
  ]
  return [
    ...unknownNames([...path, 'repositories'], listed, Object.keys(repositories), 'a repository of this file'),
    ...captureCount([...path, 'repositories'], listed, repositories),
    ...lists.flatMap(({ at, names }) =>
      unknownNames([...path, ...at], asList(names), listed.filter(isText), 'among the system’s repositories'),
    ),
    ...['full', 'logical'].flatMap((kind) => captureLeftOut(kind, path, content, listed, repositories)),
  ]
}

function unknownNames(path: Problem['path'], names: readonly unknown[], known: readonly string[], what: string): Problem[] {
  return names.flatMap((name, index) => {
    if (!isText(name)) return []
    if (names.indexOf(name) < index)
      return [{ path: [...path, index], text: `${name} stands twice in this list; remove one of them` }]
    if (known.includes(name)) return []
    const instead = nearest(name, known) ?? (known.length > 0 ? `one of ${known.join(', ')}` : 'a repository and name it here')
    return [{ path: [...path, index], text: `${JSON.stringify(name)} is not ${what}; write ${instead} instead` }]
  })
}

function captureCount(path: Problem['path'], listed: readonly unknown[], repositories: Repositories): Problem[] {
  const known = listed.filter(isText).filter((name) => Object.hasOwn(repositories, name))
  // With an unknown name among them, the missing one may be that; it is reported already.
  if (listed.length === 0 || known.length < listed.length) return []
  const capturing = [...new Set(known.filter((name) => captures(repositories[name])))]
  if (capturing.length === 1) return []
  const text =
    capturing.length === 0
      ? `none of ${known.join(', ')} captures; write capture: true at a filesystem repository and name it here`
      : `${capturing.join(' and ')} all have capture: true; write only one of them here`
  return [{ path, text }]
}

function captureLeftOut(
  kind: string,
  path: Problem['path'],
  content: unknown,
  listed: readonly unknown[],
  repositories: Repositories,
): Problem[] {
  const place = ['kinds', kind, 'repositories']
  const names = valueAt(content, place)
  const capturing = listed.filter(isText).find((name) => captures(repositories[name]))
  if (!Array.isArray(names) || capturing === undefined || names.includes(capturing)) return []
  return [{ path: [...path, ...place], text: `${kind} backups are captured into ${capturing}; write it in this list too` }]
}

function captures(repository: unknown): boolean {
  return valueAt(repository, ['store']) === 'filesystem' && valueAt(repository, ['capture']) === true
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
