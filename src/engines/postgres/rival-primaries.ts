/** A server that takes writes. */
export interface WritableServer {
  readonly label: string
  readonly systemIdentifier: string
  /** By its own account: one server may be reached at several addresses. */
  readonly startedAt: string
  readonly timeline: number
}

/** Whether the other took over from this one. Of different clusters nobody knows. */
export function isOlder(server: WritableServer, other: WritableServer): boolean {
  return server.systemIdentifier === other.systemIdentifier && server.timeline < other.timeline
}

/** What to say of servers that take writes beside the chosen one. */
export function rivalsOf(chosen: WritableServer, all: readonly WritableServer[]): string[] {
  return all.filter((other) => !isSame(chosen, other)).map((other) => describeRival(chosen, other))
}

function isSame(a: WritableServer, b: WritableServer): boolean {
  return a.systemIdentifier === b.systemIdentifier && a.startedAt === b.startedAt && a.timeline === b.timeline
}

function describeRival(chosen: WritableServer, other: WritableServer): string {
  if (other.systemIdentifier !== chosen.systemIdentifier) {
    return `${other.label} is another cluster, while ${chosen.label} is taken: correct connection.hosts`
  }
  const taken = `${chosen.label} is on timeline ${chosen.timeline} and is taken`
  const advice = 'what both write cannot be brought together'
  if (other.timeline < chosen.timeline) {
    return `${other.label} takes writes on timeline ${other.timeline}, ${taken}: fence ${other.label}, an old primary that is back; ${advice}`
  }
  return `${other.label} takes writes on the same timeline, ${taken}: fence the one that is not the primary; ${advice}`
}
