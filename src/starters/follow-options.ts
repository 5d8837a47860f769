/** Of the verbs that start an operation and follow it. */
export interface FollowOptions {
  readonly detach?: true
  readonly json?: true
}

/** Of whoever gives no `--reason`. */
export const defaultReason = 'asked for by hand'

/** As of a program that Ctrl-C has ended: a script must not go on as if the work were done. */
export const leftStatus = 130
