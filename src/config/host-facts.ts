import { homedir, hostname, userInfo } from 'node:os'

/** What defaults depend on besides the file. */
export interface HostFacts {
  readonly hostName: string
  readonly homeDirectory: string
  readonly userId: number
  readonly userName: string
  readonly currentDirectory: string
}

export function readHostFacts(): HostFacts {
  const { uid, username } = userInfo()
  return {
    hostName: hostname(),
    homeDirectory: homedir(),
    userId: uid,
    userName: username,
    currentDirectory: process.cwd(),
  }
}

export function defaultStateDirectory(facts: HostFacts): string {
  return facts.userId === 0 ? '/var/lib/holdfast' : `${facts.homeDirectory}/.local/state/holdfast`
}
