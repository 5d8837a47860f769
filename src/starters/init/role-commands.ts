import type { PostgresHost } from '../../config/config.js'
import { shellWord } from '../shell-words.js'

export interface RoleRequest {
  readonly role: string
  readonly server: PostgresHost
  /** With the role's password; read by the shell of whoever runs the commands, so that the password is in no text and no argument. */
  readonly passwordFile: string
  /** Who runs the commands: only root may use `runuser`, and not every machine has `sudo`. */
  readonly runBy: 'root' | 'another user'
}

export interface RoleCommands {
  /** Makes the role. */
  readonly create: string
  /** Lets it read configuration files outside the data directory. */
  readonly readFiles: string
}

/** Commands for a shell of the user that owns the password's file, who acts as PostgreSQL's superuser through them. */
export function roleCommands({ role, server, passwordFile, runBy }: RoleRequest): RoleCommands {
  const name = inHereDocument(identifier(role))
  return {
    create: psql(server, runBy, [
      `CREATE ROLE ${name} LOGIN REPLICATION PASSWORD '$(cat ${shellWord(passwordFile)})';`,
      `GRANT pg_monitor TO ${name};`,
    ]),
    readFiles: psql(server, runBy, [
      `GRANT pg_read_server_files TO ${name};`,
      `GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO ${name};`,
    ]),
  }
}

/** Lines of pg_hba.conf: as any client, and for replication. `all` databases do not include it. */
export function hostAccessLines(role: string, { host }: PostgresHost): readonly string[] {
  const name = identifier(role)
  return ['all        ', 'replication'].flatMap((database) =>
    host.startsWith('/')
      ? [`local  ${database}  ${name}  scram-sha-256`]
      : clientAddresses(host).map((address) => `host  ${database}  ${name}  ${address}  scram-sha-256`),
  )
}

export const addressToFillIn = 'ADDRESS-OF-THIS-MACHINE/32'

/** Where the server sees us come from. */
function clientAddresses(host: string): readonly string[] {
  if (host === 'localhost') return ['127.0.0.1/32', '::1/128']
  if (host === '::1') return ['::1/128']
  return [isLoopback(host) ? '127.0.0.1/32' : addressToFillIn]
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function psql({ host, port }: PostgresHost, runBy: RoleRequest['runBy'], statements: readonly string[]): string {
  const local = host.startsWith('/') || isLoopback(host)
  const asPostgres = runBy === 'root' ? 'runuser -u postgres -- psql' : 'sudo -u postgres psql'
  const program = local ? asPostgres : `psql -h ${shellWord(host)} -U postgres`
  // On the machine itself the superuser comes through the socket, where he needs no password.
  const socket = host.startsWith('/') ? ` -h ${shellWord(host)}` : ''
  return [`${program}${socket} -p ${port} -v ON_ERROR_STOP=1 <<SQL`, ...statements, 'SQL'].join('\n')
}

/** As SQL and pg_hba.conf take it; quoted always, for both have words of their own. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function inHereDocument(text: string): string {
  return text.replace(/[\\$`]/g, String.raw`\$&`)
}
