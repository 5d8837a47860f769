/** A server that takes writes. */
export interface WritableServer {
  readonly label: string
  readonly systemIdentifier: string
  /** By its own account: one server may be reached at several addresses. */
  readonly startedAt: string
  readonly timeline: number
}

/** That of the highest timeline in the cluster of `server`: it was promoted last. `server` itself where none is above it. */
export function newestOf(server: WritableServer, all: readonly WritableServer[]): WritableServer {
  return all.reduce((best, other) => (isOlder(best, other) ? other : best), server)
}

/** What to say of servers that take writes beside the chosen one. */
export function rivalsOf(chosen: WritableServer, all: readonly WritableServer[]): string[] {
  return all.filter((other) => !isSame(chosen, other)).map((other) => describeRival(chosen, other))
}

/** Of different clusters nobody knows. */
function isOlder(server: WritableServer, other: WritableServer): boolean {
  return server.systemIdentifier === other.systemIdentifier && server.timeline < other.timeline
}

function isSame(a: WritableServer, b: WritableServer): boolean {
  return a.systemIdentifier === b.systemIdentifier && a.startedAt === b.startedAt && a.timeline === b.timeline
}

/** Which of them is the primary is not ours to say: the other may be one that is back, or a standby that was promoted by mistake. */
function describeRival(chosen: WritableServer, other: WritableServer): string {
  if (other.systemIdentifier !== chosen.systemIdentifier) {
    return `${other.label} is another cluster, while ${chosen.label} is taken: correct connection.hosts`
  }
  const advice = 'fence the one that is not the primary; what both write cannot be brought together'
  if (other.timeline < chosen.timeline) {
    return `${other.label} takes writes on timeline ${other.timeline}, and ${chosen.label} on timeline ${chosen.timeline}, which is taken, being the higher one: ${advice}`
  }
  return `${other.label} takes writes on timeline ${other.timeline}, as ${chosen.label} does, which is taken: ${advice}`
}
