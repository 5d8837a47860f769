# Sourced by restore_db.sh: from opened artifacts to a server that runs, in $target.

# Runs a program as the server's user, with nothing of our environment: it may hold the credentials of the bucket.
as_server() {
  (cd / && exec "${become[@]}" env -i PATH="$PATH" LC_ALL=C "$@")
}

make_target() {
  if [ -d "$target" ]; then target_made=found; else target_made=new; fi
  mkdir -p -- "$target"
  chmod 700 -- "$target"
  [ "$(id -u)" -ne 0 ] || chown postgres: -- "$target"
  data=$target/data
  as_server mkdir -- "$data" "$target/tablespaces" "$target/run" "$target/configuration" \
    "$target/configuration/original" "$target/configuration/outside"
}

# opened ROLE [TABLESPACE]: the path of the artifact, decrypted; nothing where the backup has none.
opened() {
  local index
  for index in "${!artifacts[@]}"; do
    [ "${roles[$index]}" = "$1" ] && [ "${oids[$index]}" = "${2:--}" ] || continue
    printf '%s' "$work/opened/${artifacts[$index]%.enc}"
    return
  done
}

# unpack ARCHIVE DIRECTORY [OPTION…]: as the server's user, who can write nowhere else, whatever the archive says.
unpack() {
  local archive=$1 directory=$2
  shift 2
  attend unpack_stream "$archive" "$directory" "$@" || fail 8 "cannot unpack ${archive##*/} into $directory; see the message above" \
    "is the disk full? else restore from another copy, or name an earlier time"
}

unpack_stream() {
  local archive=$1 directory=$2
  shift 2
  zstd -dcq -- "$archive" | as_server tar --extract --file=- --directory="$directory" --no-same-owner --anchored --no-wildcards "$@"
}

# write_document ARTIFACT FILE
write_document() {
  zstd -dcq -- "$1" | as_server tee -- "$2" >/dev/null || fail 8 "cannot write $2 from ${1##*/}; see the message above" \
    'is the disk full? else restore from another copy, or name an earlier time'
}

unpack_data() {
  local oid links=() archive
  # The links in the archive lead to the original's tablespaces: they must not even exist for a moment.
  for oid in "${tablespaces[@]}"; do links+=("--exclude=pg_tblspc/$oid" "--exclude=./pg_tblspc/$oid"); done
  unpack "$(opened base)" "$data" "${links[@]}"
  as_server chmod 700 -- "$data"
  unpack "$(opened wal)" "$data/pg_wal"
  for oid in "${tablespaces[@]}"; do
    as_server mkdir -- "$target/tablespaces/$oid"
    unpack "$(opened tablespace "$oid")" "$target/tablespaces/$oid"
  done
  archive=$(opened configuration)
  [ -z "$archive" ] || unpack "$archive" "$target/configuration/outside"
  refuse_links
  for oid in "${tablespaces[@]}"; do as_server ln -s -- "$target/tablespaces/$oid" "$data/pg_tblspc/$oid"; done
  write_document "$(opened backup-manifest)" "$data/backup_manifest"
}

# PostgreSQL's backups hold files and directories. A link could make the server read or write elsewhere.
refuse_links() {
  local foreign
  foreign=$(find "$target" \( \( ! -type f ! -type d \) -o \( -type f -links +1 \) \) -print -quit)
  [ -z "$foreign" ] || fail 8 "an archive holds what is neither a file nor a directory, or is a link: $foreign" \
    'somebody altered it: restore from another copy of the repository'
}

# Before the server changes anything: every file against PostgreSQL's own list, and the WAL for gaps.
verify_data() {
  local found status=0
  as_server "$bin/pg_controldata" -D "$data" >"$work/control" ||
    fail 8 "$data is not a cluster of PostgreSQL $major" 'restore from another copy'
  found=$(sed -n 's/^Database system identifier: *//p' "$work/control")
  [ "$found" = "$identifier" ] || fail 8 "the cluster is $found, and its manifest says $identifier" 'restore from another copy'
  [ -x "$bin/pg_verifybackup" ] || status=127
  [ "$status" -ne 0 ] || attend as_server "$bin/pg_verifybackup" -q "$data" >&2 || status=$?
  case $status in
    0) tell 'verified: every file is as PostgreSQL listed it, and the WAL has no gaps' ;;
    # Above 125 it did not run or died: that says nothing about the files, and the archives had the digests of the manifest.
    12[6-9] | 1[3-9]? | 2??)
      tell "not verified: pg_verifybackup of $bin does not work here (status $status); the artifacts matched the manifest"
      ;;
    *)
      fail 8 "pg_verifybackup refuses the restored files in $data; see the message above" \
        'restore from another copy, or name an earlier time'
      ;;
  esac
}

configure_server() {
  local name oid inventory=$work/inventory.json configuration=$target/configuration
  find_port
  zstd -dcq -- "$(opened inventory)" >"$inventory"
  as_server tee -- "$configuration/inventory.json" <"$inventory" >/dev/null
  for name in tablespace_map postgresql.auto.conf postgresql.conf; do
    [ ! -e "$data/$name" ] || as_server cp -p -- "$data/$name" "$configuration/original/$name"
  done
  # Whoever may enter the socket's directory may log in; others need the passwords of the original (md5 takes SCRAM's as well).
  printf '%s\n' 'local all all trust' 'host all all 127.0.0.1/32 md5' | as_server tee -- "$configuration/pg_hba.conf" >/dev/null
  as_server touch -- "$configuration/pg_ident.conf" "$data/recovery.signal"
  # A backup of a standby holds it, and it wins: recovery would never end.
  as_server rm -f -- "$data/standby.signal"
  # At its start the server makes the links of the tablespaces anew from this map.
  for oid in "${tablespaces[@]}"; do printf '%s %s\n' "$oid" "$target/tablespaces/$oid"; done >"$work/map"
  [ "${#tablespaces[@]}" -eq 0 ] || as_server tee -- "$data/tablespace_map" <"$work/map" >/dev/null
  python restore/server_settings.py own "$inventory" "$work/control" "$target" "$port" "$mode" "${wal_timeline:-current}" "$when" >"$work/settings"
  as_server tee -a -- "$data/postgresql.auto.conf" <"$work/settings" >/dev/null
  # It may not be there (Debian has it in /etc), include files of the original machine, or name the original's data directory.
  if [ "$(as_server "$bin/postgres" -D "$data" -C data_directory 2>/dev/null)" != "$data" ]; then
    python restore/server_settings.py original "$inventory" >"$work/postgresql.conf"
    as_server tee -- "$data/postgresql.conf" <"$work/postgresql.conf" >/dev/null
  fi
}

start_server() {
  local segment reached
  { read -r superuser && read -r database; } < <(python restore/server_settings.py access "$work/inventory.json")
  await_recovery || { has_no_later_commit && await_recovery; } || fail 8 "the server did not come up; the end of its log:
$(tail -n 15 -- "$target/server.log")" 'a library that is missing here? install it; else name an earlier time'
  as_server sed -i '/^# Recovery; removed after it/,$d' "$data/postgresql.auto.conf"
  segment=$(ask 'select pg_walfile_name(pg_current_wal_lsn())')
  reached=$((16#${segment:0:8}))
  [ "$reached" -gt "$timeline" ] ||
    fail 8 "the server is on timeline $reached, the original's own" 'please report this; name an earlier time'
  demand_reach
  rm -rf -- "$target/wal"
  tell "promoted to timeline $reached; the original was on $timeline"
}

# Starts the server and waits for the end of recovery. Fails where the server has ended.
await_recovery() {
  # Its patience ending is no failure: replay may take hours.
  as_server "$bin/pg_ctl" start -D "$data" -l "$target/server.log" -w -t 3 -s >/dev/null 2>&1 || true
  until [ "$(ask 'select pg_is_in_recovery()' 2>/dev/null)" = f ]; do
    as_server "$bin/pg_ctl" status -D "$data" >/dev/null 2>&1 || return 1
    attend sleep 0.3
  done
}

# A mark proves that the WAL goes as far as the time, so if it holds no commit after it, its end is the state at the time.
has_no_later_commit() {
  [ "$mode" = time ] || return 1
  [[ $(tail -n 15 -- "$target/server.log") == *'recovery ended before configured recovery target was reached'* ]] || return 1
  as_server sed -i "s/^recovery_target_time = .*/recovery_target_time = ''/" "$data/postgresql.auto.conf"
  mode=end
}

ask() {
  as_server PGHOST="$target/run" PGPORT="$port" PGUSER="$superuser" PGDATABASE="$database" "$bin/psql" -XAtc "$1"
}
