/**
 * Order of keys in every listing: by their UTF-8 bytes, as S3 has it. JavaScript's own `<` compares UTF-16 units, which puts
 * U+1F600 before U+FF21.
 */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
