# Sourced by restore_db.sh: how it says things, and how it ends. Whatever happens, nothing half-done stays.

work='' target_made='' data='' child=''

tell() { printf '%s\n' "$*" >&2; }

# fail STATUS WHAT HINT
fail() {
  printf 'error: %s\n  %s\n' "$2" "$3" >&2
  exit "$1"
}

# Runs what may take hours so that a signal ends it at once: in a process group of its own, which is killed with us.
attend() {
  local status=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || status=$?
  child=''
  return "$status"
}

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP PIPE
  set +e
  if [ -n "$child" ]; then
    kill -TERM -- "-$child" 2>/dev/null
    wait "$child" 2>/dev/null
  fi
  if [ "$status" -ne 0 ] && [ -n "$target_made" ]; then
    [ ! -e "$data/postmaster.pid" ] || as_server "$bin/pg_ctl" stop -D "$data" -m immediate -w -s >&2
    # A directory that was there before, empty, stays.
    if [ "$target_made" = new ]; then rm -rf -- "$target"; else find "$target" -mindepth 1 -delete; fi
    tell "$target: removed what was restored so far"
  fi
  [ -z "$work" ] || rm -rf -- "$work"
  exit "$status"
}

stopped() {
  # Whoever read our messages may be gone as well.
  trap '' PIPE
  tell 'stopped' || true
  exit 11
}

trap finish EXIT
trap stopped INT TERM HUP PIPE
