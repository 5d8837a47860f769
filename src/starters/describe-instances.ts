import type { InstanceSeen } from './instances-seen.js'
import { renderTable } from './table.js'

const columns = [{ title: 'INSTANCE' }, { title: 'STATE' }, { title: 'PORT', align: 'right' }, { title: 'BACKUP' }] as const

/** The instances as a table; failures below their lines. */
export function describeInstances(instances: readonly InstanceSeen[]): string {
  if (instances.length === 0) return 'there are no instances on this host\n'
  const [head = '', ...lines] = renderTable(columns, instances.map(cellsOf))
  const noted = lines.flatMap((line, index) => {
    const note = noteOf(instances[index])
    return note === undefined ? [line] : [line, `    ${note}`]
  })
  return `${[head, ...noted].join('\n')}\n`
}

function cellsOf(instance: InstanceSeen): string[] {
  if ('problem' in instance) return [instance.name, 'UNREADABLE', '?', '?']
  return [instance.name, stateOf(instance), String(instance.port), instance.backup]
}

/** The file says what was reached; only the process says what is. */
function stateOf({ state, running }: Exclude<InstanceSeen, { problem: string }>): string {
  return state === 'RUNNING' && !running ? 'not running' : state
}

function noteOf(instance: InstanceSeen | undefined): string | undefined {
  if (instance === undefined) return undefined
  return 'problem' in instance ? instance.problem : instance.failure
}
