#!/usr/bin/env bash
# Restores a backup with public tools alone: no Node.js, no Temporal, no Holdfast. `--help` has everything.
set -euo pipefail
shopt -s inherit_errexit
umask 077
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=restore/ending.sh
. "$here/restore/ending.sh"
. "$here/restore/dependencies.sh"
. "$here/restore/repository.sh"
. "$here/restore/server.sh"
. "$here/restore/wal.sh"

usage() {
  cat <<'END'
usage: restore_db.sh <backup_timestamp> --from SOURCE --target DIR [--key FILE]... [options]
       restore_db.sh --list --from SOURCE [--system NAME]

Restores a moment into a new PostgreSQL server on this machine, promoted to a timeline of its own, cut off from the original:
the newest full backup that ended at or before it, and the archived WAL from there on. Where no WAL is archived, what was
written after the end of that backup is not in it.

  <backup_timestamp>  ISO 8601 with a zone (2026-01-10T03:30:00Z, 2026-01-10T04:30:00+01:00), or latest: all there is
  --to-backup-end     without archived WAL: to the end of the backup
  --timeline N        follow this timeline; without it the one that was current at that time, for latest the highest that was archived
  --from SOURCE       a repository: a directory, or s3://bucket or s3://bucket/prefix
  --endpoint-url URL  of a store other than Amazon's
  --system NAME       which system; needed where the repository holds several
  --key FILE          an encryption key (base64 or hex); several are tried, the one the manifest is signed with is used.
                      Without a key only backups that are not encrypted can be restored, and nobody vouches for them
  --target DIR        where the new server goes; must not be there, or be empty. Its parent must be open to the server's user
  --port PORT         of the new server; without it the first free one of 15432 to 15532
  --bin DIR           PostgreSQL's programs; without it /usr/lib/postgresql/<major>/bin, /usr/pgsql-<major>/bin, or on the PATH
  --list              only show which full backups there are
  --help              this

Variables: those of the AWS command line (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_REGION, AWS_CA_BUNDLE...).
As root, archives are unpacked and the server runs as the user postgres; otherwise as you. Beside DIR there must be room for
the compressed backup and the WAL too (from S3 twice).

Examples:
  export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...
  restore_db.sh --list --from s3://backups-prod --endpoint-url https://s3.example.com
  restore_db.sh latest --from s3://backups-prod --system avi5 --key 2026-11.key --target /var/lib/postgresql/avi5-rescue
  restore_db.sh 2026-01-10T04:30:00+01:00 --from /var/backups/holdfast --key 2025.key --key 2026-11.key --target /srv/rescue

Exit statuses:
  0   the server runs, or the list is shown
  1   anything else
  2   wrong usage, or a key file that holds no key
  4   no such backup, nothing proves that the archive goes as far as the time, or a tablespace was made on the way to it
  5   the target is there already, and not empty
  6   programs are missing; all of them are named
  7   the source cannot be read
  8   a gap in the archive; damaged, altered, signed with another key, of an unknown format, or the server did not come up with it
  9   disk, space or ports of this machine
  11  stopped by a signal
After any other status than 0 nothing runs and nothing of the target is left.
END
}

python() {
  local program=$1
  shift
  python3 -B "$here/$program" "$@"
}

read_arguments() {
  when='' from='' endpoint='' system='' target='' port_wanted='' bin='' list='' bucket='' keys=() to_backup_end='' timeline_wanted=''
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage && exit 0 ;;
      --list) list=yes ;;
      --to-backup-end) to_backup_end=yes ;;
      --from | --endpoint-url | --system | --key | --target | --port | --bin | --timeline)
        [ $# -ge 2 ] && [ -n "$2" ] || fail 2 "$1 needs a value" 'see --help'
        take_option "$1" "$2"
        shift
        ;;
      -*) fail 2 "there is no option $1" 'see --help' ;;
      *)
        [ -z "$when" ] || fail 2 "there are two times: $when and $1" 'quote names with spaces; see --help'
        when=$1
        ;;
    esac
    shift
  done
}

take_option() {
  case $1 in
    --from) from=$2 ;;
    --endpoint-url) endpoint=$2 ;;
    --system) system=$2 ;;
    --key) keys+=("$2") ;;
    --target) target=$2 ;;
    --port) port_wanted=$2 ;;
    --bin) bin=$2 ;;
    --timeline) timeline_wanted=$2 ;;
  esac
}

check_arguments() {
  [ -n "$from" ] || fail 2 '--from is missing' 'name a directory or s3://bucket/prefix; see --help'
  [[ -z $system || $system =~ ^[a-z0-9][a-z0-9_-]{0,62}$ ]] || fail 2 "\"$system\" is not the name of a system" 'see --list'
  [[ $from != s3://* ]] || bucket=yes
  [ -z "$bucket" ] || from=${from%/}
  [ -z "$bucket" ] || [[ $from =~ ^s3://[A-Za-z0-9._-]+(/.*)?$ ]] || fail 2 "$from is not a bucket" 'write s3://bucket or s3://bucket/prefix'
  aws_options=()
  [ -z "$endpoint" ] || aws_options=(--endpoint-url "$endpoint")
  [ -z "$list" ] || return 0
  [[ $when =~ ^(latest|[0-9-]+T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2}))$ ]] ||
    fail 2 "\"$when\" is not a time with a zone" 'write it like 2026-01-10T03:30:00Z, or latest; --list shows what there is'
  [[ -z $port_wanted || ($port_wanted =~ ^[1-9][0-9]{0,4}$ && $port_wanted -le 65535) ]] ||
    fail 2 "$port_wanted is not a port" 'see --help'
  [[ -z $timeline_wanted || $timeline_wanted =~ ^[1-9][0-9]{0,9}$ ]] || fail 2 "$timeline_wanted is not a timeline" 'write a number, like 2'
  [ -n "$target" ] || fail 2 '--target is missing' 'name a directory that is not there yet'
  target=$(realpath -m -- "$target")
  # pg_ctl hands paths to a shell, between double quotes.
  [[ $target != *[\"\\\`\$]* && $target != *$'\n'* ]] ||
    fail 2 "$target holds a quote, backslash, dollar sign or line feed" 'choose another --target'
  [ "$(printf '%s/run/.s.PGSQL.65535' "$target" | wc -c)" -le 107 ] ||
    fail 2 "$target is too long for the path of a socket" 'choose a shorter --target'
  [ ! -e "$target" ] || { [ -d "$target" ] && [ -z "$(find "$target" -mindepth 1 -print -quit)" ]; } ||
    fail 5 "$target is there already, and not empty" 'name a --target that is not there; nothing existing is ever touched'
  [ -d "${target%/*}/" ] || fail 2 "the directory ${target%/*} is not there" 'make it first'
}

# Sets what the checked manifest says.
read_manifest() {
  local name first second third fourth
  artifacts=() roles=() oids=() tablespaces=() stored=0
  mkdir -- "$work/backup"
  cp -- "$root/$place/manifest.json" "$work/backup/manifest.json"
  python restore/open_backup.py --check "$work/backup" "${keys[@]}" >"$work/facts"
  while IFS=$'\t' read -r name first second third fourth; do
    case $name in
      artifact)
        roles+=("$first") oids+=("$second") artifacts+=("$third")
        stored=$((stored + fourth))
        [ "$first" != tablespace ] || tablespaces+=("$second")
        ;;
      attempt) attempt=$first ;;
      major) major=$first ;;
      identifier) identifier=$first ;;
      timeline) timeline=$first ;;
      start) start_lsn=$first ;;
      bytes) bytes=$first ;;
      segment) segment_bytes=$first ;;
    esac
  done <"$work/facts"
}

# Sets `place` and what its manifest and the archive say.
choose_and_plan() {
  local wanted=$system left=()
  while true; do
    place=$(python restore/choose_backup.py choose "$root" "$when" "$wanted" "${timeline_wanted:--}" "${left[@]}")
    tell "chosen: ${place##*/}"
    read_manifest
    plan_wal
    if [ "$mode" != left ]; then break; fi
    tell "left aside: ${place##*/} is of timeline $timeline and not on the way to timeline $wal_timeline: if an old primary is back, fence it"
    left+=("$place")
    rm -rf -- "$work/backup" "$work/wal"
  done
}

demand_parent() {
  local parent=${target%/*}/
  [ -w "$parent" ] || fail 2 "$parent may not be written to" 'choose another --target, or check who you are'
  as_server test -x "$parent" ||
    fail 2 "the user of the server cannot enter $parent" 'chmod o+x it and what is above it, or choose another --target'
}

demand_room() {
  local parent=${target%/*}/ free needed
  needed=$((bytes + stored + segments * segment_bytes))
  [ -z "$bucket" ] || needed=$((needed + stored + segments * segment_bytes))
  free=$(df --output=avail -B1 -- "$parent" | tail -n 1)
  [ "$free" -ge "$needed" ] || fail 9 "$parent has ${free// /} bytes free; $needed are needed" 'free space, or choose another --target'
  find_port
}

# Asked again before the server is configured: hours may have passed.
find_port() {
  port=$(python restore/free_port.py "${port_wanted:-15432}" "${port_wanted:-15532}")
}

held() {
  case $mode in
    backup) printf 'what %s held at its end' "${place##*/}" ;;
    time) printf 'what was committed until %s%s' "$when" "${newer:+ on timeline $wal_timeline, which was current then}" ;;
    end) printf 'all that was archived' ;;
  esac
}

tell_connection() {
  local prefix=''
  [ "$(id -u)" -ne 0 ] || prefix='runuser -u postgres -- '
  cat <<END
The server runs; it holds $(held).
  connect:  $prefix${bin@Q}/psql -h ${target@Q}/run -p $port -U ${superuser@Q} -d ${database@Q}
            or at 127.0.0.1:$port, with the roles and passwords of the original
  data:     $target/data
  log:      $target/server.log
  stop:     $prefix${bin@Q}/pg_ctl -D ${target@Q}/data stop
It archives nothing and is no service yet. Take a backup of it before it is used for anything that matters.
END
}

read_arguments "$@"
check_arguments
become=()
[ "$(id -u)" -ne 0 ] || become=(setpriv --reuid=postgres --regid=postgres --init-groups --)
demand_tools
if [ -n "$list" ]; then
  work=$(mktemp -d)
  collect_manifests
  python restore/choose_backup.py list "$root" ${system:+"$system"}
  exit
fi
demand_parent
# On the disk of the target, which is the large one.
work=$(mktemp -d -- "${target%/*}/.restore-XXXXXXXX")
collect_manifests
choose_and_plan
find_server "$major"
demand_room
fetch_artifacts
tell 'checking and decrypting'
attend python restore/open_backup.py "$work/backup" "$work/opened" "${keys[@]}" >&2
rm -rf -- "$work/backup"
make_target
unpack_data
verify_data
open_wal
refuse_new_tablespaces
configure_server
start_server
tell_connection
