// Looks into a file's content before anything is known about it: what is missing or of another type reads as nothing.

export function asMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function valueAt(raw: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, segment) =>
      typeof segment === 'number'
        ? asList(value)[segment]
        : Object.hasOwn(asMap(value), segment)
          ? asMap(value)[segment]
          : undefined,
    raw,
  )
}

/** Everything present below a path in which `*` is any key. */
export function entriesMatching(raw: unknown, pattern: readonly string[]): { path: string[]; value: unknown }[] {
  return pattern.reduce(
    (entries, segment) =>
      entries.flatMap(({ path, value }) =>
        Object.entries(asMap(value))
          .filter(([key]) => segment === '*' || key === segment)
          .map(([key, inner]) => ({ path: [...path, key], value: inner })),
      ),
    [{ path: [] as string[], value: raw }],
  )
}
