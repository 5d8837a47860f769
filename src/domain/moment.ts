/**
 * Microseconds since 1970 of an ISO 8601 time with a zone (`2026-01-10T03:30:00Z`, `2026-01-10 04:30:00.123456+01`), as PostgreSQL
 * resolves them. Undefined for anything else: a time without a zone, a day there is not, more than six digits of a second.
 */
export function parseMoment(text: string): number | undefined {
  const [, date, time, seconds = '00', fraction = '', zone] = momentPattern.exec(text) ?? []
  if (date === undefined || time === undefined || zone === undefined) return undefined
  const asUtc = `${date}T${time}:${seconds}.000Z`
  const ms = Date.parse(asUtc)
  // Date.parse takes February 30 for March 2.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== asUtc) return undefined
  const offsetMs = zoneOffsetMs(zone)
  return offsetMs === undefined ? undefined : (ms - offsetMs) * 1000 + Number(fraction.padEnd(6, '0'))
}

/** `2026-01-10T03:30:00.000Z`: UTC, with milliseconds, or microseconds where there are any. */
export function formatMoment(micros: number): string {
  const ms = Math.floor(micros / 1000)
  const rest = micros - ms * 1000
  const text = new Date(ms).toISOString()
  return rest === 0 ? text : text.replace('Z', `${String(rest).padStart(3, '0')}Z`)
}

/** Of a moment this program wrote itself. */
export function microsOf(moment: string): number {
  return parseMoment(moment) ?? Number.NaN
}

const momentPattern = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)$/

function zoneOffsetMs(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', '') || '0')]
  if (hours > 15 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
