/**
 * JSON in one form only: members sorted by name, two spaces of indentation, no end of line after it; members that are undefined are left out.
 * Equal values give equal text, whatever order they were built in. Member names must not look like whole numbers,
 * which JavaScript puts first. The same as Python's `json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False)`.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value), null, 2)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}
