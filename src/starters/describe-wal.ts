import { formatDuration } from '../domain/quantity.js'
import type { WalStatus } from './look-at-archiving.js'

/** The status of archiving, for a person. */
export function describeWal({ system, steps, conditions, obstacles, actualRpoMs }: WalStatus): string {
  const lost =
    actualRpoMs === undefined
      ? `not known here, \`holdfast window ${system}\` asks the repositories`
      : formatDuration(actualRpoMs)
  return [
    `WAL of ${system}; if the server were lost now, so would be the last: ${lost}`,
    ...steps.map(({ name, state, note, facts }) => {
      const words = Object.entries(facts).map((fact) => fact.join(' '))
      return `  ${[`${name}: ${state}`, ...(note === undefined ? [] : [note]), ...words].join(', ')}`
    }),
    ...conditions.flatMap(({ code, message, hint, since, step }) => [
      `! ${code} (${step}, since ${since}): ${message}`,
      `    ${hint}`,
    ]),
    ...obstacles.map((obstacle) => `! ${obstacle}`),
    '',
  ].join('\n')
}
