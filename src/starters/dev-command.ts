import { type Command, InvalidArgumentError } from 'commander'
import { remark } from './output.js'
import { addVerb, configPathOf } from './verb.js'

export function addDevCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'dev', 'run a Temporal dev server and the worker of this host, until Ctrl-C', examples)
    .option('--ui-port <port>', "of Temporal's web UI (default: 1000 above the port of temporal.address)", parsePort)
    .action(async ({ uiPort }: { readonly uiPort?: number }, command: Command) => {
      const configPath = configPathOf(command)
      const { runDev } = await import('../workers/dev.js')
      await runDev({
        env,
        say: remark,
        ...(uiPort === undefined ? {} : { uiPort }),
        ...(configPath === undefined ? {} : { configPath }),
      })
    })
}

const examples = `  holdfast dev                  everything one machine needs; the database is kept in the state directory
  holdfast dev --ui-port 9000

Not for production: there Temporal has servers of its own, and every host runs \`holdfast worker\`.
`

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new InvalidArgumentError('It is a number from 1 to 65535.')
}
