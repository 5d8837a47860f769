/** What a look at the delivery shows. */
export interface DeliveryLook {
  /** Names in `ready`. */
  readonly ready: ReadonlySet<string>
  /** Names being fetched. */
  readonly underWay: ReadonlySet<string>
  /** What PostgreSQL waits for; nothing while it has what it needs. */
  readonly wanted: string
  /** What it was given last. */
  readonly handed: string
}

export interface NextMoves {
  /** To be fetched, in this order. */
  readonly fetch: readonly string[]
  /** In `ready`, and not needed there any more. */
  readonly remove: readonly string[]
  /** How many files replay has been given. */
  readonly given: number
  /** The next files are there, as many as a server should find when it starts, or all that are left. */
  readonly filled: boolean
}

const filesAtStart = 8

/**
 * Which files to hold ahead of replay: `width` in all, from the one that is waited for, else after the one that was given last. What
 * lies outside is removed: replay is past it, or has gone back to an earlier restart point and will ask for it later.
 * @param order of all files, as recovery needs them
 */
export function createWalWindow(order: readonly string[], width: number): (look: DeliveryLook) => NextMoves {
  const indexOf = new Map(order.map((file, index) => [file, index]))
  return ({ ready, underWay, wanted, handed }) => {
    const given = indexOf.get(wanted) ?? (indexOf.get(handed) ?? -1) + 1
    const window = order.slice(given, given + width)
    const missing = window.filter((file) => !ready.has(file))
    const isOutside = (index: number | undefined) => index === undefined || index < given || index >= given + width
    return {
      fetch: missing.filter((file) => !underWay.has(file)),
      remove: [...ready].filter((file) => isOutside(indexOf.get(file))),
      given,
      filled: missing.every((file) => !window.slice(0, filesAtStart).includes(file)),
    }
  }
}
