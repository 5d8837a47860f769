import type { Activities } from '../activities/index.js'

/** What histories call the activities, for whoever has to say something about each of them. */
export type ActivityName = keyof Activities
