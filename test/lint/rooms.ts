/** Who may import whom inside `src`, as CONTRIBUTING.md has it: a room may import those named here and itself. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  config: ['domain'],
  observability: ['domain'],
  process: ['domain'],
  storage: ['domain'],
  pipeline: ['domain'],
  catalog: ['domain'],
  engines: ['domain', 'process', 'pipeline'],
  provisioners: ['domain', 'process'],
  composition: below('catalog', 'engines', 'provisioners'),
  jobs: below('catalog', 'engines', 'provisioners', 'composition'),
  activities: below('catalog', 'engines', 'provisioners', 'composition', 'jobs'),
  workflows: ['domain'],
  workers: below('catalog', 'engines', 'provisioners', 'composition', 'jobs', 'activities', 'workflows'),
  // `worker` and `dev` are verbs: they run the workers in their own process.
  starters: ['domain', 'config', 'observability', 'catalog', 'composition', 'workers'],
}

/** Rooms whose modules may speak to Temporal. */
export const temporalRooms: readonly string[] = ['config', 'observability', 'activities', 'workflows', 'workers', 'starters']

function below(...rest: readonly string[]): readonly string[] {
  return ['domain', 'config', 'observability', 'process', 'storage', 'pipeline', ...rest]
}
