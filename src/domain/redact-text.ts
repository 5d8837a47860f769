/** What stands where a secret stood, in text, JSON and inspection alike. */
export const mask = '[secret]'

/**
 * Masks what looks like a secret in free text (a program's stderr, an error's message), and the given secrets wherever they occur,
 * also percent-encoded. Rather too much than too little; applying it twice changes nothing more.
 */
export function redactText(text: string, secrets: readonly string[] = []): string {
  return patterns.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), maskKnown(text, secrets))
}

// Quotes stay where they are: what was JSON is JSON afterwards.
// Quotes stay where they are: what was JSON is JSON afterwards.
const quotedOrBare = String.raw`(?:(")(?:[^"\\]|\\.)*"|(')(?:[^'\\]|\\.)*'|["'\\]*[^\s&'"]+)`
const secretWord = '(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|private[_-]?key|x-amz-signature)'

// Repetitions before a fixed text are bounded: the input may be megabytes of anything, and unbounded ones are quadratic.
const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g, mask],
  [/(\bauthorization["'\\]{0,4}\s{0,4}[=:]\s{0,4})[^\r\n]+/gi, `$1${mask}`],
  [/(\bbearer\s{1,4})[\w.~+/=-]{8,}/gi, `$1${mask}`],
  // A password may hold `/` and `@`; digits up to a `/` are a port, not a password.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@?#'"]{0,256}):(?!\d{1,5}(?:[/?#,\s]|$))[^\s'"]+@/gi, `$1:${mask}@`],
  // `{` after a colon is a nested value, as in `password: { env: NAME }`, which is no secret.
  [
    new RegExp(String.raw`(${secretWord}[\w-]{0,40}["'\\]{0,4}\s{0,4}(?:=\s{0,4}|:\s{0,4}(?!\{)))${quotedOrBare}`, 'gi'),
    `$1$2$3${mask}$2$3`,
  ],
  [/(\bpassword\s{1,4})'(?:[^'\\]|\\.|'')*'/gi, `$1'${mask}'`],
]

function maskKnown(text: string, secrets: readonly string[]): string {
  const forms = secrets.filter((secret) => secret !== '').flatMap((secret) => [secret, percentEncoded(secret)])
  if (forms.length === 0) return text
  // The longest first: a secret may be the beginning of another. The mask itself comes before all, lest it be masked again.
  const alternatives = [mask, ...forms.toSorted((a, b) => b.length - a.length)].map(escapeForRegExp)
  return text.replace(new RegExp(alternatives.join('|'), 'g'), mask)
}

function percentEncoded(secret: string): string {
  try {
    return encodeURIComponent(secret)
  } catch {
    return secret // a lone surrogate cannot be encoded, so it is in no URI either
  }
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}
