import { startDetached } from '../../src/process/start-detached.js'
import { startProgram } from '../../src/process/start-program.js'
import { findUser } from '../../src/process/users.js'

// A process that starts others, to be killed by the tests. Arguments: mode, user (or ''), program, its arguments.
const [mode, user, program = '', ...args] = process.argv.slice(2)
const command = { program, args, ...(user ? { runAs: await findUser(user) } : {}) }
const logFile = process.env.PARENT_LOG ?? '/dev/null'
const { pid } =
  mode === 'detached'
    ? await startDetached(command, { logFile })
    : startProgram(command, { signal: new AbortController().signal, stdin: 'ignore', stdout: 'ignore' })
console.log(pid)
setInterval(() => {}, 1000)
