import { quoteText } from '../sql-names.js'
import type { Original } from './choose-original.js'

/** What follows the name in CREATE DATABASE, so that texts are stored and sorted as in the original. */
export function likeOriginal({ database, definition }: Original, targetVersionNumber: number): string {
  const { encoding, ctype, provider, locale, icuRules } = definition
  const parts = [
    'template template0',
    `encoding ${quoteText(encoding)}`,
    `lc_collate ${quoteText(database.collation)}`,
    `lc_ctype ${quoteText(ctype)}`,
  ]
  // Before 15 there was libc alone, and no word for it.
  if (targetVersionNumber >= 150_000) parts.push(`locale_provider ${provider}`)
  if (locale !== undefined && provider !== 'libc') parts.push(`${provider}_locale ${quoteText(locale)}`)
  if (icuRules !== undefined) parts.push(`icu_rules ${quoteText(icuRules)}`)
  return parts.join(' ')
}
