import type { FileHandle } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import type { Crc32, ObjectKey } from '../domain/ids.js'

/** What a store can do beyond the required calls; probed, not assumed. */
export interface StoreCapabilities {
  /** `ifAbsent` is atomic at the store itself. */
  readonly conditionalPut: boolean
  readonly multipart: boolean
  /** `head` tells a CRC-32 of the whole object, computed by the store. */
  readonly fullObjectCrc32: boolean
  readonly versioning: boolean
  readonly objectLock: boolean
  readonly storageClasses: readonly string[]
  readonly serverSideCopy: boolean
}

export interface ObjectInfo {
  readonly key: ObjectKey
  readonly sizeBytes: number
  readonly modifiedAt: Date
  /** Of the whole object, where the store knows it. */
  readonly crc32?: Crc32
}

export interface ByteRange {
  readonly start: number
  /** Inclusive, as in HTTP. */
  readonly end: number
}

/** One result per key; `deleted` is never said of what is still there. A key that was absent counts as deleted. */
export type DeleteResult =
  | { readonly key: ObjectKey; readonly outcome: 'deleted' }
  | { readonly key: ObjectKey; readonly outcome: 'failed'; readonly message: string }

export interface CallOptions {
  readonly signal?: AbortSignal
}

/** Bytes that are not in memory. They never change, and can be read as often as a store has to try. */
export interface Source {
  readonly sizeBytes: number
  /** From the beginning, in pieces; fails where it cannot give exactly `sizeBytes`. */
  read(): AsyncIterable<Uint8Array>
}

/**
 * Keeps bytes under keys. Keys are immutable once written. Strongly consistent.
 * Errors are HoldfastError: STORE_UNAVAILABLE (retryable), STORE_DENIED, STORE_MISSING (bucket or root), NOT_FOUND (key),
 * ALREADY_EXISTS, SPACE_SHORT, LOCAL_IO. An aborted signal rejects with `signal.reason`.
 * A store retries single requests it can repeat byte for byte, and nothing else.
 */
export interface Store {
  /** For messages: `s3://bucket/prefix at endpoint` or the directory. No secret. */
  readonly description: string
  readonly capabilities: StoreCapabilities

  /**
   * Reaches the store and finds out what it can do (writes and removes a small object below `_holdfast/probe/`). Makes no place for
   * it: @throws STORE_MISSING
   */
  probe(options?: CallOptions): Promise<StoreCapabilities>

  /** Whole or not at all. For small objects: `bytes` is in memory. `ifAbsent`: @throws ALREADY_EXISTS, whatever the bytes. */
  put(key: ObjectKey, bytes: Uint8Array, options: CallOptions & { ifAbsent: boolean }): Promise<ObjectInfo>

  /** The same of any size up to 5 GiB. Holds a few pieces; each try reads the source anew. @throws what the source fails with */
  putFrom(key: ObjectKey, source: Source, options: CallOptions & { ifAbsent: boolean }): Promise<ObjectInfo>

  /** @throws NOT_FOUND at the call, not later on the stream. The stream fails if the body ends early. */
  get(key: ObjectKey, options?: CallOptions & { range?: ByteRange }): Promise<Readable>

  head(key: ObjectKey, options?: CallOptions): Promise<ObjectInfo | undefined>

  /** Ordered by key in UTF-8 byte order. `prefix` is a plain string prefix (may end within a segment); '' is everything. */
  list(prefix: string, options?: CallOptions & { after?: string }): AsyncIterable<ObjectInfo>

  delete(keys: readonly ObjectKey[], options?: CallOptions): Promise<DeleteResult[]>

  /** Stores that take large objects in parts. */
  readonly uploads?: Uploads
  /** Stores on this host that objects can be written to, and read from, while they grow. */
  readonly growing?: Growing
  /** What may still be written, by stores that know. */
  freeBytes?(): Promise<number>
  /**
   * Makes the directory of a store on this host, 0700, where its parent exists. For verbs that a person looks at: a directory that
   * was there and is not may be a file system that is not mounted, and a new one would take its place unseen.
   */
  makeRoot?(): Promise<'made' | 'was there'>
}

/** A multipart upload under way. */
export interface Upload {
  readonly key: ObjectKey
  readonly id: string
  readonly startedAt: Date
}

export interface UploadedPart {
  /** From 1. */
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  /** Of the part, where the store tells it. */
  readonly crc32?: Crc32
}

/** Resumable uploads. Part size is constant within an upload but for the last part. */
export interface Uploads {
  readonly minimumPartBytes: number
  readonly maximumParts: number
  begin(key: ObjectKey, options?: CallOptions): Promise<Upload>
  /** The newest upload under way on exactly this key. */
  find(key: ObjectKey, options?: CallOptions): Promise<Upload | undefined>
  putPart(upload: Upload, part: { number: number; bytes: Uint8Array; crc32: Crc32 }, options?: CallOptions): Promise<UploadedPart>
  /** All parts stored, ordered by number. */
  parts(upload: Upload, options?: CallOptions): Promise<UploadedPart[]>
  /** `crc32` is of the whole object: the store checks it where it can. @throws ALREADY_EXISTS with `ifAbsent`. */
  complete(
    upload: Upload,
    parts: readonly UploadedPart[],
    options: CallOptions & { ifAbsent: boolean; crc32: Crc32 },
  ): Promise<ObjectInfo>
  /** An upload that is gone already counts as aborted. */
  abort(upload: Upload, options?: CallOptions): Promise<void>
  /** Uploads under way below a prefix that began before a moment. */
  listStale(prefix: string, before: Date, options?: CallOptions): AsyncIterable<Upload>
}

/**
 * Objects that can be followed while they grow, on a local file system. A growing object is a temporary file beside its final
 * name; committing links it to the final name. A reader that opened it keeps reading the same inode across the commit.
 */
export interface Growing {
  /** A directory for scratch files on the same file system, invisible to `list`. Created 0700. */
  scratch(prefix: ObjectKey): Promise<string>
  /** Creates (truncating what an earlier try left) the temporary file. */
  create(key: ObjectKey): Promise<GrowingObject>
  /** Opens what is there: the growing file or the final one. Undefined while there is neither. */
  open(key: ObjectKey): Promise<FileHandle | undefined>
  /** Opens an object, and nothing that grows. Undefined while it is not committed. */
  openWhole(key: ObjectKey): Promise<FileHandle | undefined>
  /** Removes scratch directory and growing files below a prefix; final objects stay. */
  discard(prefix: ObjectKey): Promise<void>
}

export interface GrowingObject {
  readonly writable: Writable
  /** Waits for the writable to finish, syncs, links to the final name, syncs the directory. @throws ALREADY_EXISTS */
  commit(): Promise<ObjectInfo>
  /** Removes the temporary file. */
  discard(): Promise<void>
}
