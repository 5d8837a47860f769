import { readFile } from 'node:fs/promises'

/** Something the S3 server has taken in: a part of an upload, or a small object whole. */
export interface StoredPiece {
  readonly key: string
  /** Of the upload; undefined for a whole object. */
  readonly part: string | undefined
}

/** Artifacts (not manifests, not leases) in the order in which the server stored them, from its own log. */
export async function storedPieces(accessLog: string): Promise<StoredPiece[]> {
  return parseAccessLog(await readFile(accessLog, 'utf8').catch(() => ''))
}

/** Lines of S3's log format: `… s3_UploadPart <key> <path?query> 200 …`. A request whose body broke off is not answered with 200. */
export function parseAccessLog(text: string): StoredPiece[] {
  const pieces: StoredPiece[] = []
  for (const [, path = '', query = ''] of text.matchAll(/ s3_(?:UploadPart|PutObject) .*? (\/\S*?)(?:\?(\S*))? 200 /g)) {
    const url = new URLSearchParams(query)
    const part = url.get('partNumber')
    if (!/\/a\d+\/[^/]+$/.test(path)) continue
    pieces.push({ key: path, part: part === null ? undefined : `${url.get('uploadId')} ${part}` })
  }
  return pieces
}

/** What was stored more than once. */
export function storedTwice(pieces: readonly StoredPiece[]): string[] {
  const names = pieces.map(({ key, part }) => `${key} ${part ?? 'whole'}`)
  return names.filter((name, index) => names.indexOf(name) !== index)
}
