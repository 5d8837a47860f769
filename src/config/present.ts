/** The same record with its undefined keys left out, in value and in type: what `exactOptionalPropertyTypes` asks for. */
export type Present<Shape> = { readonly [Key in keyof Shape as undefined extends Shape[Key] ? never : Key]: Shape[Key] } & {
  readonly [Key in keyof Shape as undefined extends Shape[Key] ? Key : never]?: Exclude<Shape[Key], undefined>
}

export function present<Shape extends object>(shape: Shape): Present<Shape> {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as Present<Shape>
}

/** Applies a function to what is there. */
export function optionally<From, To>(value: From | undefined, change: (value: From) => To): To | undefined {
  return value === undefined ? undefined : change(value)
}

/** The same names with other contents. */
export function mapRecord<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]))
}
