import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError, isErrorCode } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import type { SystemUser } from '../../process/command.js'
import { makeOwnedDirectory, writeOwned } from './owned-files.js'

/**
 * Where archived WAL is handed to a recovering server: `<instance>/wal`. A job puts whole files into `ready`, in the order they will be
 * asked for; PostgreSQL takes them with `fetch`, its restore_command.
 */
export interface WalDelivery {
  readonly directory: string
  /** The restore_command. */
  readonly fetch: string
  /** Whole, checked and durable files under PostgreSQL's names. Segments are taken away, histories stay. */
  readonly ready: string
  /** The file recovery ends with, as it was when it was fetched first. */
  readonly last: string
  /** Names of all files there are, one a line: what is in it is waited for, and what is not is not there. */
  readonly expected: string
  /** The file PostgreSQL waits for; empty while it has what it needs. */
  readonly wanted: string
  /** The file it was given last. */
  readonly handed: string
  /** Why no more comes, as JSON. */
  readonly failed: string
  /** Copies of files that were not used, a JSON string each line. */
  readonly notes: string
  /** There once the first files have been fetched and checked. */
  readonly filled: string
}

export function walDelivery(instance: Pick<Instance, 'directory'>): WalDelivery {
  const directory = join(instance.directory, 'wal')
  const inside = (name: string) => join(directory, name)
  return {
    directory,
    fetch: inside('fetch'),
    ready: inside('ready'),
    last: inside('last'),
    expected: inside('expected'),
    wanted: inside('wanted'),
    handed: inside('handed'),
    failed: inside('failed'),
    notes: inside('notes'),
    filled: inside('filled'),
  }
}

/** Makes the directories and the script; what was delivered before stays. */
export async function makeWalDelivery(instance: Instance, owner: SystemUser): Promise<WalDelivery> {
  const delivery = walDelivery(instance)
  await makeOwnedDirectory(delivery.directory, owner)
  await makeOwnedDirectory(delivery.ready, owner)
  await writeOwned(delivery.fetch, fetchScript, owner, 0o700)
  return delivery
}

/** The reason that whoever delivers the WAL has left, in place of what the server makes of it. */
export async function refuseUndelivered(instance: Pick<Instance, 'directory'>): Promise<void> {
  const text = await readFile(walDelivery(instance).failed, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const { code, message, hint } = JSON.parse(text) as Readonly<Record<string, string>>
  throw new HoldfastError(isErrorCode(code) ? code : 'INTERNAL', message ?? '', hint === undefined ? {} : { hint })
}

/** For `restore_command`. `exec`, so that no shell stands between the server's process and the script. */
export function fetchCommand({ fetch }: WalDelivery): string {
  const quoted = `'${fetch.replaceAll("'", "'\\''")}'`
  return `exec ${quoted.replaceAll('%', '%%')} %f %p`
}

/**
 * A file that is there already is only renamed: no Node, no copy. PostgreSQL may ask for a segment again (it does so at the end of
 * recovery, and after a crash from its last restart point); it is then fetched again, for what it did with the first one nobody
 * knows. It waits for as long as the server lives: a server that was killed must not leave it behind, holding its memory.
 */
const fetchScript = `#!/bin/sh
# restore_command: <file> <path>. Written by Holdfast; of use only while the server recovers.
# 0: the file is at <path>. 1: the archive has no such file. Above 125: that is not known, and recovery must not go on without it.
file=$1 path=$2 here=\${0%/*} asked=
while :; do
  if [ -e "$here/ready/$file" ]; then
    case $file in
      *.history) cp "$here/ready/$file" "$path" ;;
      *) mv "$here/ready/$file" "$path" ;;
    esac && printf '%s\\n' "$file" >"$here/handed" && : >"$here/wanted" && exit 0
    [ -e "$here/ready/$file" ] && exit 200
  fi
  if [ -e "$here/failed" ]; then cat "$here/failed" >&2; exit 201; fi
  if [ -z "$asked" ] && [ -e "$here/expected" ]; then
    grep -qxF -e "$file" "$here/expected"
    case $? in
      0) asked=yes; printf '%s\\n' "$file" >"$here/wanted" || exit 202 ;;
      1) exit 1 ;;
      *) exit 203 ;;
    esac
  fi
  read -r server <postmaster.pid && kill -0 "$server" || exit 204
  sleep 0.05
done
`
