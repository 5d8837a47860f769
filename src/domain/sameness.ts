/** What makes two requests the same operation, so that the second one joins the first: who asked, and why, does not tell them apart. */
export function samenessOf(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([name]) => !['requestedBy', 'reason'].includes(name)))
}
