/** `15` of 150018, as PostgreSQL numbers its releases since 10. */
export function majorOf(versionNumber: number): string {
  return String(Math.floor(versionNumber / 10_000))
}
