const mask = '***'

/** Credentials of a URI: the greedy middle takes passwords that hold an unescaped `@`. */
const uriPassword = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*):[^\s/'"]*@/gi

/** `password=…` of conninfo strings, variables (`PGPASSWORD=…`) and query parameters, quoted or not. */
const passwordSetting = /((?:password|passwd|passphrase)\s*=\s*)('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|[^\s'"&,;]+)/gi

/**
 * Masks in `text` each of `secrets` (as it is and percent-encoded), passwords of URIs and `password=…` settings.
 * For whatever people will read: messages, logs, the output of programs quoted in an error.
 */
export function redactText(text: string, secrets: readonly string[] = []): string {
  const spellings = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)])
  // Longest first: a secret that is the beginning of another must not leave the rest of it visible.
  const ordered = [...new Set(spellings)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
  const masked = ordered.reduce((result, secret) => result.replaceAll(secret, mask), text)
  return masked.replace(uriPassword, `$1:${mask}@`).replace(passwordSetting, `$1${mask}`)
}
