import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { S3Connection } from './s3-connection.js'
import { nextPage } from './s3-pages.js'
import type { CallOptions, ObjectInfo } from './store.js'

/** Pages of 1,000 keys, one in memory. S3 orders by UTF-8 bytes. Objects no store of ours could have written are left out. */
export async function* listObjects(
  s3: S3Connection,
  prefix: string,
  options: CallOptions & { after?: string },
): AsyncIterable<ObjectInfo> {
  const what = `list of "${prefix}"`
  let token: string | undefined
  do {
    const command = new ListObjectsV2Command({
      Bucket: s3.options.bucket,
      Prefix: s3.fullKey(prefix),
      ...(options.after !== undefined && { StartAfter: s3.fullKey(options.after) }),
      ...(token !== undefined && { ContinuationToken: token }),
    })
    const page = await s3.run(what, options, (sending) => s3.client.send(command, sending))
    for (const entry of page.Contents ?? []) {
      const key = s3.ownKey(entry.Key)
      if (key) yield { key, sizeBytes: entry.Size ?? 0, modifiedAt: entry.LastModified ?? new Date(0) }
      options.signal?.throwIfAborted()
    }
    token = nextPage(s3, what, page, page.NextContinuationToken)
  } while (token !== undefined)
}
