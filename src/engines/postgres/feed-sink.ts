import { Readable } from 'node:stream'
import type { Artifact, ArtifactRole } from '../../domain/manifest.js'
import type { ArtifactContent, CaptureSink } from '../engine.js'

/**
 * Hands a stream to the sink and closes it afterwards, also when the sink failed before it listened to the stream: an error
 * of a stream nobody listens to would end the process.
 */
export async function feedSink(sink: CaptureSink, name: string, content: ArtifactContent): Promise<Artifact> {
  content.source.on('error', () => {})
  try {
    return await sink.artifact(name, content)
  } finally {
    content.source.destroy()
  }
}

/** A small artifact that is in memory. */
export function storeBytes(name: string, role: ArtifactRole, bytes: Buffer, sink: CaptureSink): Promise<Artifact> {
  return feedSink(sink, name, { role, compressed: 'no', source: Readable.from([bytes]) })
}
