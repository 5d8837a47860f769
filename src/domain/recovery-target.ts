import { HoldfastError } from './errors.js'
import { type BackupId, parseBackupId } from './ids.js'
import { type Lsn, parseLsn } from './lsn.js'
import { formatMoment, parseMoment } from './moment.js'

/** What a restore is to bring back. */
export type RestoreTarget =
  /** All there is: the end of the archived WAL, or of the newest backup where none is archived. */
  | { readonly kind: 'latest' }
  /** The end of one backup. */
  | { readonly kind: 'backup'; readonly backup: BackupId }
  /** Everything committed up to then. ISO 8601 UTC, with milliseconds or microseconds. */
  | { readonly kind: 'time'; readonly time: string }
  | { readonly kind: 'lsn'; readonly lsn: Lsn }
  /** Up to and with this transaction. Decimal digits. */
  | { readonly kind: 'xid'; readonly xid: string }
  /** A restore point that pg_create_restore_point() made. */
  | { readonly kind: 'name'; readonly name: string }

/**
 * Of the command line: `latest`, a time with a zone, `lsn:16/B374D848`, `xid:4711`, `name:before-migration`, `backup:<id>` or an id.
 * @throws HoldfastError USAGE with what to write instead
 */
export function parseRestoreTarget(text: string): RestoreTarget {
  if (text === 'latest') return { kind: 'latest' }
  const [, word, rest = ''] = /^(backup|lsn|xid|name|time):(.*)$/s.exec(text) ?? []
  switch (word) {
    case 'backup':
      return { kind: 'backup', backup: parseBackupId(rest) }
    case 'lsn':
      return { kind: 'lsn', lsn: parseLsn(rest) }
    case 'xid':
      return { kind: 'xid', xid: parseXid(rest) }
    case 'name':
      return { kind: 'name', name: parsePointName(rest) }
    case 'time':
      return { kind: 'time', time: parseTime(rest) }
    default:
      return /^[a-z0-9][a-z0-9_-]*_[a-z]+_\d{4}-/.test(text)
        ? { kind: 'backup', backup: parseBackupId(text) }
        : { kind: 'time', time: parseTime(text) }
  }
}

/** As it is written on the command line. */
export function formatRestoreTarget(target: RestoreTarget): string {
  switch (target.kind) {
    case 'latest':
      return 'latest'
    case 'backup':
      return `backup:${target.backup}`
    case 'time':
      return target.time
    case 'lsn':
      return `lsn:${target.lsn}`
    case 'xid':
      return `xid:${target.xid}`
    case 'name':
      return `name:${target.name}`
  }
}

function parseTime(text: string): string {
  const micros = parseMoment(text)
  if (micros !== undefined) return formatMoment(micros)
  if (parseMoment(`${text}Z`) !== undefined) {
    const plain = text.replace(' ', 'T')
    throw usage(`"${text}" has no time zone`, `write ${plain}Z for UTC, or the offset, like ${plain}+01:00`)
  }
  // A date alone, or a zone by its name, whose offset depends on the day and on who is asked.
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    throw usage(
      `"${text}" is not a time a restore knows`,
      'write the date, the time and the offset from UTC, like 2026-01-10T03:30:00Z or 2026-01-10T04:30:00+01:00',
    )
  }
  throw usage(
    `"${text}" is not a target a restore knows`,
    'use latest, a time like 2026-01-10T03:30:00Z, lsn:16/B374D848, xid:4711, name:<restore point> or backup:<id>',
  )
}

function parseXid(text: string): string {
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= 0xffff_ffff) return text
  throw usage(`"${text}" is not a transaction id`, 'write it like xid:4711, as txid_current() printed it, without the epoch')
}

// PostgreSQL keeps 63 bytes of a restore point's name.
function parsePointName(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const harmless = text !== '' && !/[\u0000-\u001f\u007f]/.test(text) && text.isWellFormed() && utf8Length(text) <= 63
  if (harmless) return text
  throw usage(
    `${JSON.stringify(text)} is not the name of a restore point`,
    'names have 1 to 63 bytes, without control characters',
  )
}

function utf8Length(text: string): number {
  return [...text].reduce((sum, character) => {
    const code = character.codePointAt(0) ?? 0
    return sum + (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4)
  }, 0)
}

function usage(message: string, hint: string): HoldfastError {
  return new HoldfastError('USAGE', message, { hint })
}
