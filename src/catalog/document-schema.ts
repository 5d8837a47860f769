import { z } from 'zod'

// What the schemas of all signed documents share.

/** A string a parser of the domain accepts; its complaint becomes the issue's message. */
export function parsed<T extends string>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })
}

export const keyIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)

/** Of a document's HMAC, a member of the document beside its own. */
export const hmacSchema = z.strictObject({
  algorithm: z.literal('HMAC-SHA-256'),
  keyId: keyIdSchema,
  value: z.string().regex(/^[0-9a-f]{64}$/),
})

/** The first thing a schema found wrong, as `path: message`. */
export function complaint(error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
}): string {
  const [issue] = error.issues
  if (issue === undefined) return 'not valid'
  return issue.path.length === 0 ? issue.message : `${issue.path.map(String).join('.')}: ${issue.message}`
}
