import { nearest } from '../domain/nearest.js'
import { parseDuration } from '../domain/quantity.js'
import type { ResolvePath } from './place.js'
import type { Problem } from './problem.js'
import { asMap, valueAt } from './raw.js'
import { findRepositoryContradictions } from './repository-contradictions.js'

/**
 * What is wrong between keys that are right by themselves. Reads the file's raw content, so that these problems are reported together
 * with those of single keys; what is missing or of another type is passed over here.
 */
export function findContradictions(raw: unknown, resolvePath: ResolvePath): Problem[] {
  return [
    ...emptyMaps(raw),
    ...stateDirectory(raw, resolvePath),
    ...activeKey(raw),
    ...timeouts(raw),
    ...compression(raw),
    ...halfCertificates(raw),
    ...walWithoutBase(raw),
    ...findRepositoryContradictions(raw, resolvePath),
  ]
}

/** The kernel takes 107 bytes for the path of a socket; the rest is for the names below. */
export const stateDirectoryLimitBytes = 70

export function stateDirectoryProblem(directory: string): Problem | undefined {
  const length = Buffer.byteLength(directory)
  if (length <= stateDirectoryLimitBytes) return undefined
  const what = `${directory} has ${length} bytes, and sockets below it need it to have at most ${stateDirectoryLimitBytes}`
  return { path: ['stateDirectory'], text: `${what}; write a shorter path such as /var/lib/holdfast instead` }
}

function stateDirectory(raw: unknown, resolvePath: ResolvePath): Problem[] {
  const written = valueAt(raw, ['stateDirectory'])
  const problem = typeof written === 'string' ? stateDirectoryProblem(resolvePath(written)) : undefined
  return problem === undefined ? [] : [problem]
}

function emptyMaps(raw: unknown): Problem[] {
  const texts = {
    repositories: 'no repository is configured; write at least one, such as local: { store: filesystem, path: …, capture: true }',
    systems: 'no system is configured; write at least one, such as avi5: { engine: postgres, … }',
  }
  return Object.entries(texts).flatMap(([key, text]) => {
    const value = valueAt(raw, [key])
    const empty =
      value !== undefined && !Array.isArray(value) && typeof value !== 'string' && Object.keys(asMap(value)).length === 0
    return empty ? [{ path: [key], text }] : []
  })
}

function activeKey(raw: unknown): Problem[] {
  const active = valueAt(raw, ['encryption', 'activeKey'])
  const keys = valueAt(raw, ['encryption', 'keys'])
  const ids = Object.keys(asMap(keys))
  if (typeof active !== 'string' || typeof keys !== 'object' || ids.includes(active)) return []
  const instead = nearest(active, ids) ?? ids.at(-1)
  const advice =
    instead === undefined ? 'add it to encryption.keys' : `write ${JSON.stringify(instead)} instead, or add it to the keys`
  return [{ path: ['encryption', 'activeKey'], text: `${JSON.stringify(active)} is not among encryption.keys; ${advice}` }]
}

function timeouts(raw: unknown): Problem[] {
  const shortLong = [
    ['retryInterval', '1s', 'retryMaximumInterval', '1m'],
    ['heartbeat', '60s', 'lease', '15m'],
  ] as const
  return shortLong.flatMap(([short, shortDefault, long, longDefault]) => {
    const shortMs = durationAt(raw, short, shortDefault)
    const longMs = durationAt(raw, long, longDefault)
    if (shortMs === undefined || longMs === undefined || shortMs <= longMs) return []
    return [{ path: ['timeouts', long], text: `is shorter than timeouts.${short}; write a longer time, or shorten ${short}` }]
  })
}

function durationAt(raw: unknown, key: string, fallback: string): number | undefined {
  const written = valueAt(raw, ['timeouts', key]) ?? fallback
  return typeof written === 'string' ? parseDuration(written) : undefined
}

function compression(raw: unknown): Problem[] {
  return Object.entries(asMap(valueAt(raw, ['systems']))).flatMap(([system, content]) => {
    const level = valueAt(content, ['compression', 'level'])
    const limit = valueAt(content, ['limits', 'compressionLevel'])
    if (level === undefined || limit === undefined || level === limit) return []
    const text = 'contradicts compression.level; write the level in one place only'
    return [{ path: ['systems', system, 'limits', 'compressionLevel'], text }]
  })
}

/** A certificate without its key, or a key without its certificate, would be passed over: the server is met without either. */
function halfCertificates(raw: unknown): Problem[] {
  const systems = Object.keys(asMap(valueAt(raw, ['systems'])))
  const places = [['temporal', 'tls'], ...systems.map((system) => ['systems', system, 'connection', 'tls'])]
  return places.flatMap((place) => {
    const tls = asMap(valueAt(raw, place))
    if ((tls.certFile === undefined) === (tls.keyFile === undefined)) return []
    const [given, missing] = tls.keyFile === undefined ? ['certFile', 'keyFile'] : ['keyFile', 'certFile']
    return [{ path: [...place, given], text: `certFile and keyFile go together; write ${missing} as well, or remove it` }]
  })
}

/** WAL is replayed onto the files of a full backup; dumps take none. */
function walWithoutBase(raw: unknown): Problem[] {
  return Object.entries(asMap(valueAt(raw, ['systems']))).flatMap(([system, content]) => {
    const kinds = valueAt(content, ['kinds'])
    if (valueAt(content, ['wal']) === undefined || kinds === undefined || 'full' in asMap(kinds)) return []
    const text = 'WAL is of no use without full backups to replay it on; write full: {} below kinds, or remove it'
    return [{ path: ['systems', system, 'wal'], text }]
  })
}
