#!/usr/bin/env bash
# pgBackRest for the benchmark: what PGBACKREST names, what is there, else Debian's package.
set -euo pipefail

if [ -n "${PGBACKREST:-}" ]; then exec "$PGBACKREST" version >/dev/null; fi
command -v pgbackrest >/dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1

echo 'setup: installing pgbackrest'
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -qq --yes --no-install-recommends pgbackrest >/dev/null
