import type { Composition } from '../composition/compose.js'
import type { JobVoice } from './serve-job.js'

/** What every job is given. */
export interface JobContext {
  readonly composition: Composition
  readonly stateDirectory: string
  readonly voice: JobVoice
}
