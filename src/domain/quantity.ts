/**
 * Milliseconds of `5m`, `1h30m`, `1.5h`, `-24h`: units ms, s, m, h, d and w, each with its unit, spaces allowed between.
 * Undefined for anything else, also for a bare number: its unit would be a guess.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w)\s*)+)$/.exec(text.trim())
  if (match === null) return undefined
  const [, sign, parts = ''] = match
  let sumMs = 0
  for (const [, amount, unit] of parts.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    sumMs += Number(amount) * (millisecondsOf.get(unit ?? '') ?? 0)
  }
  const ms = Math.round(sumMs)
  return sign === '-' ? -ms : ms
}

/** Bytes of `512B`, `16MiB`, `1.5 GB`: decimal (kB, MB, GB, TB) and binary (KiB, MiB, GiB, TiB) units. Undefined for anything else. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kKMGT]i?B|B)$/.exec(text.trim())
  const factor = bytesOf.get(match?.[2] ?? '')
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor)
}

/** Bytes per second of `50MB/s`. Undefined for anything else, also without `/s`. */
export function parseRate(text: string): number | undefined {
  const match = /^(.*\S)\s*\/\s*s$/.exec(text.trim())
  return match?.[1] === undefined ? undefined : parseByteSize(match[1])
}

/** `0 B`, `999 B`, `2.45 GB`: decimal units, three digits, as the limits in the configuration are written. */
export function formatBytes(sizeBytes: number): string {
  const scale = decimalUnits.findLast((unit) => Math.abs(sizeBytes) >= unit.from) ?? { name: 'B', bytes: 1 }
  if (scale.bytes === 1) return `${Math.round(sizeBytes)} B`
  return `${threeDigits(sizeBytes / scale.bytes)} ${scale.name}`
}

/** `2.45 MB/s` */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** `250ms`, `4.5s`, `2m 05s`, `1h 02m`, `3d 04h`: two units at most. {@link parseDuration} reads it back. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`
  // Rounded before it is split, so that 59.96 s is one minute and not "60.0s".
  if (durationMs < 59_950) return `${Number((durationMs / 1000).toFixed(1))}s`
  const seconds = Math.round(durationMs / 1000)
  if (seconds < 3600) return pair(seconds, 60, 'm', 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return pair(minutes, 60, 'h', 'm')
  return pair(Math.round(minutes / 60), 24, 'd', 'h')
}

const millisecondsOf: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
])

const bytesOf: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['kiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
])

// A unit begins where the one below would be shown as 1000.
const decimalUnits = [
  { name: 'B', bytes: 1, from: 0 },
  { name: 'kB', bytes: 1e3, from: 999.5 },
  { name: 'MB', bytes: 1e6, from: 999_500 },
  { name: 'GB', bytes: 1e9, from: 999_500_000 },
  { name: 'TB', bytes: 1e12, from: 999_500_000_000 },
] as const

function threeDigits(amount: number): string {
  const whole = Math.abs(amount)
  return amount.toFixed(whole < 9.995 ? 2 : whole < 99.95 ? 1 : 0)
}

function pair(amount: number, size: number, big: string, small: string): string {
  return `${Math.floor(amount / size)}${big} ${String(amount % size).padStart(2, '0')}${small}`
}
