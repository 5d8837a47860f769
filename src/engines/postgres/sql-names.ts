/** A name as SQL takes it, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL takes it, whatever the server's settings are. */
export function quoteText(text: string): string {
  return `E'${text.replace(/['\\]/g, '\\$&')}'`
}
