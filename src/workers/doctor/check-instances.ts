import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import type { Composition } from '../../composition/compose.js'
import { runProgram } from '../../process/run-program.js'
import { findServerUser, type ServerUser } from '../../provisioners/server-user.js'
import { type DoctorFinding, failed, ok } from './finding.js'
import { freeSpace } from './free-space.js'

/** Where restored servers go: the user they run as, the way of that user into the directory, space, ports. */
export async function checkInstances({ config }: Composition, signal: AbortSignal): Promise<readonly DoctorFinding[]> {
  const { directory, user, ports } = config.instances
  const serverUser = await findServerUser(user)
  return [
    ok('instances user', `${serverUser.name} runs restored servers`),
    await directoryFinding(directory, serverUser, signal),
    await portsFinding(ports),
  ]
}

async function directoryFinding(directory: string, user: ServerUser, signal: AbortSignal): Promise<DoctorFinding> {
  const subject = 'instances directory'
  const there = await nearestExisting(directory)
  const command = { program: 'test', args: ['-x', there], cwd: '/' }
  const enters = await runProgram(user.runAs === undefined ? command : { ...command, runAs: user.runAs }, { signal }).then(
    () => true,
    () => false,
  )
  if (!enters) {
    const hint = `open ${there} and what is above it to ${user.name} (chmod o+x), or choose another \`instances.directory\``
    return failed(subject, 'LOCAL_IO', `user ${user.name} cannot enter ${there}`, hint)
  }
  const state = there === directory ? '' : ' (made by the first restore)'
  return ok(subject, `${directory}${state}, ${await freeSpace(directory)}`)
}

/** The provisioner makes what is missing, open to the servers' user. */
async function nearestExisting(path: string): Promise<string> {
  const there = await stat(path).then(
    () => true,
    () => false,
  )
  return there || path === '/' ? path : nearestExisting(dirname(path))
}

async function portsFinding({ first, last }: { readonly first: number; readonly last: number }): Promise<DoctorFinding> {
  const subject = 'instances ports'
  const ports = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const free = (await Promise.all(ports.slice(0, portsTried).map(canListen))).filter((can) => can).length
  const tried = Math.min(ports.length, portsTried)
  const message = `${free} of ${tried} from ${first} are free`
  if (free > 0) return ok(subject, message)
  return failed(subject, 'LOCAL_IO', message, 'drop instances that are not needed, or widen `instances.ports`')
}

const portsTried = 200

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
