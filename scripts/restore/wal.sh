# Sourced by restore_db.sh: from the archived WAL to files that recovery reads, in $target/wal. Everything is fetched and checked
# before the server starts, so that nothing a network does can look like the end of the WAL.

# Sets `mode`: backup (nothing to replay behind the backup), time, end (of the archive), or left (another backup is needed); and
# `wal_timeline`, `newer` (a timeline that does not have that moment), `reach`, `segments`.
plan_wal() {
  local name first second
  mode=backup wal_timeline='' newer='' reach='' segments=0
  [ -z "$to_backup_end" ] || return 0
  system=${place%%/*}
  python restore/choose_backup.py ends "$root" "$system" "$identifier" >>"$work/facts"
  mkdir -- "$work/wal"
  for _ in 1 2 3 4 5; do
    look_at_archive
    keep_partials
    if [ -z "$gone" ]; then break; fi
  done
  [ -z "$gone" ] || fail 8 "$gone is gone whenever it is asked for" 'is somebody removing WAL? else try again'
  while IFS=$'\t' read -r name first second; do
    case $name in
      mode) mode=$first ;;
      timeline) wal_timeline=$first ;;
      newer) newer=$first ;;
      reach) reach=$first ;;
      file) segments=$((segments + 1)) ;;
    esac
  done <"$work/plan"
  if [ "$mode" = backup ]; then tell 'no archived WAL goes on from the backup: it is restored to its own end'; fi
  [ -z "$newer" ] || tell "timeline $newer is not known to have what was there at $when: it is restored along timeline $wal_timeline, which was current then"
}

look_at_archive() {
  list_archive >"$work/archive"
  python restore/plan_wal.py histories "$work/facts" "$work/archive" "${keys[@]}" >"$work/keys"
  fetch_wal "$work/keys"
  ask_plan marks >"$work/keys"
  fetch_wal "$work/keys"
  ask_plan plan >"$work/plan"
}

# Brings partial segments at once: of an archive that goes on they are soon superseded and removed. Sets `gone`: one that is already.
keep_partials() {
  local key
  gone=''
  planned_keys '*.partial.zst*' >"$work/keys"
  [ -z "$bucket" ] || fetch_wal "$work/keys"
  while read -r key; do
    mkdir -p -- "$work/wal/${key%/*}"
    [ -n "$bucket" ] || cp -- "$root/$key" "$work/wal/$key" 2>/dev/null || gone=$key
    [ -e "$work/wal/$key" ] || gone=$key
  done <"$work/keys"
}

# planned_keys PATTERN: those of the plan's objects that are like this.
planned_keys() {
  local name first second
  while IFS=$'\t' read -r name first second; do
    # shellcheck disable=SC2254
    case $name:$second in file:$1) printf '%s\n' "$second" ;; esac
  done <"$work/plan"
}

ask_plan() {
  python restore/plan_wal.py "$1" "$work/facts" "$work/archive" "$when" "${timeline_wanted:--}" "$work/wal" "${keys[@]}"
}

# A line for each object of the archive, its key at the end. Marks first: a later one could speak of WAL that is not in the listing.
list_archive() {
  local kind
  for kind in marks wal; do
    if [ -z "$bucket" ]; then
      [ ! -d "$root/$system/$kind" ] || find "$(realpath -- "$root")/$system/$kind" -type f
    else
      attend list_below "$from/$system/$kind/" || source_failed "list the WAL of $system in $from"
    fi
  done
}

# The command ends with 1 both for failures and for a prefix with nothing below it; a failure says so.
list_below() {
  local status=0
  s3 ls --recursive "$1" 2>"$work/listing" || status=$?
  [ ! -s "$work/listing" ] || cat -- "$work/listing" >&2
  [ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && [ ! -s "$work/listing" ]; }
}

# fetch_wal KEYS: brings objects, a key a line, below $work/wal. Day by day, so that a listing of the store is one of a day.
fetch_wal() {
  local key day last='' wanted=()
  while read -r key; do
    day=${key%/*}
    if [ -z "$bucket" ]; then
      mkdir -p -- "$work/wal/$day"
      ln -sf -- "$(realpath -- "$root")/$key" "$work/wal/$key"
      continue
    fi
    if [ "$day" != "$last" ] || [ "${#wanted[@]}" -ge 800 ]; then
      fetch_day "$last" "${wanted[@]}"
      last=$day wanted=()
    fi
    wanted+=(--include "${key##*/}")
  done <"$1"
  fetch_day "$last" "${wanted[@]}"
}

fetch_day() {
  local day=$1
  shift
  [ $# -gt 0 ] || return 0
  attend s3 cp --recursive --only-show-errors --exclude '*' "$@" "$from/$day/" "$work/wal/$day/" ||
    source_failed "fetch WAL of $day from $from"
}

# Puts the WAL of the plan, decrypted and checked, where recovery finds it.
open_wal() {
  local name first second
  [ "$mode" != backup ] || return 0
  tell "fetching and checking $segments files of WAL"
  planned_keys '*[0-9a-f].zst*' >"$work/keys"
  fetch_wal "$work/keys"
  mkdir -m 700 -- "$target/wal"
  attend python_reading "$work/plan" restore/open_wal.py "$system" "$segment_bytes" "$work/wal" "$target/wal" "${keys[@]}"
  rm -rf -- "$work/wal"
  while IFS=$'\t' read -r name first second; do [ "$name" != file ] || printf '%s\n' "$first"; done <"$work/plan" >"$target/wal/.files"
  printf 'end\n' >>"$target/wal/.files"
  restore_program >"$target/wal/.restore"
  [ "$(id -u)" -ne 0 ] || chown -R postgres: -- "$target/wal"
}

# Before the server sees it: no map holds for a tablespace that is made by replay.
refuse_new_tablespaces() {
  local places=("$data/pg_wal")
  [ "$mode" = backup ] || places+=("$target/wal")
  attend python restore/new_tablespace.py "$segment_bytes" "$start_lsn" "${places[@]}"
}

python_reading() {
  local input=$1
  shift
  python "$@" <"$input"
}

# For restore_command: DIRECTORY NAME DESTINATION. Only what was never planned is missing (1); whatever fails ends the server (above 125).
restore_program() {
  cat <<'END'
[ -r "$1/.files" ] || exit 255
while read -r name; do
  [ "$name" != end ] || exit 1
  [ "$name" = "$2" ] || continue
  cp -- "$1/$2" "$3" || exit 255
  exit 0
done <"$1/.files"
exit 255
END
}

# A recovery that stops too early looks like one that ends well.
demand_reach() {
  local history end page least=$reach
  [ "$mode" = end ] || return 0
  history=$(printf 'pg_wal/%08X.history' "$reached")
  end=$(ask "select (regexp_match(pg_read_file('$history'), '([0-9A-F]+/[0-9A-F]+)[^\n]*\n*\$'))[1]")
  # The server may have flushed only a part of a record: then to the end of a page, and replay ends where that record begins.
  page=$(sed -n 's/^WAL block size: *//p' "$work/control")
  [ $((reach % page)) -ne 0 ] || least=$((reach - segment_bytes))
  [ $(((16#${end%/*} << 32) | 16#${end#*/})) -ge "$least" ] ||
    fail 8 "recovery stopped at $end, and the archive goes on" "restore from another copy, or name an earlier time"
}
