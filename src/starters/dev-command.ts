import { type Command, InvalidArgumentError } from 'commander'
import { remark } from './output.js'
import { addVerb, configPathOf, contextOf, requester } from './verb.js'

export function addDevCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'dev', 'run a Temporal dev server and the worker of this host, until Ctrl-C', examples)
    .option('--ui-port <port>', "of Temporal's web UI (default: 1000 above the port of temporal.address)", parsePort)
    .action(async ({ uiPort }: { readonly uiPort?: number }, command: Command) => {
      const configPath = configPathOf(command)
      const { runDev } = await import('../workers/dev.js')
      await runDev({
        env,
        say: remark,
        whenReady: () => archiveAll(command, env),
        ...(uiPort === undefined ? {} : { uiPort }),
        ...(configPath === undefined ? {} : { configPath }),
      })
    })
}

const examples = `  holdfast dev                  everything one machine needs; the database is kept in the state directory
  holdfast dev --ui-port 9000

Not for production: there Temporal has servers of its own, and every host runs \`holdfast worker\`.
`

/** What the configuration promises begins without a further command. */
async function archiveAll(command: Command, env: NodeJS.ProcessEnv): Promise<void> {
  const context = await contextOf(command, env)
  const systems = Object.values(context.loaded.config.systems).filter(({ wal }) => wal !== undefined)
  if (systems.length === 0) return
  const { startArchiving } = await import('./start-archiving.js')
  for (const { name } of systems) {
    const { joined } = await startArchiving(context, name, { requestedBy: requester(), reason: '`holdfast dev`' })
    remark(`the WAL of ${name} is ${joined ? 'being archived' : 'archived from now on'}: \`holdfast wal status ${name}\``)
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new InvalidArgumentError('It is a number from 1 to 65535.')
}
