/** A program to run: no shell, no secrets among the arguments (they go into `env`). */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** Added to the environment that is passed on (PATH, locale; see `environment.ts`). */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Run as this user; needs root. Left out, or our own user: as we are. */
  readonly runAs?: SystemUser
  /** Strings to mask in whatever is said of this command's output. */
  readonly secrets?: readonly string[]
}

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}
