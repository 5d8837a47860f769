#!/usr/bin/env bash
# Brings a checkout to the state in which everything runs. Safe to repeat: what is done is not done again, and then
# nothing is printed. Two at a time wait for each other.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PWD/.tools/bin:$PATH"
mkdir -p .tools/bin

# On a machine without flock (util-linux) the next step names it as missing.
if command -v flock >/dev/null; then
  exec 9>.tools/setup.lock
  flock -n 9 || { echo 'setup: another one is at work in this checkout, waiting for it' && flock 9; }
fi

# Each step is a program of its own, without the lock: a daemon started by a package must not hold it for ever.
scripts/setup/system-packages.sh 9>&-
scripts/setup/node-packages.sh 9>&-
scripts/setup/go-tool.sh temporal github.com/temporalio/cli/cmd/temporal "${TEMPORAL_CLI_PATH:-}" server start-dev --help 9>&-
scripts/setup/go-tool.sh versitygw github.com/versity/versitygw/cmd/versitygw "${VERSITYGW_PATH:-}" posix --help 9>&-
scripts/setup/postgresql-18.sh 9>&-
scripts/setup/python-packages.sh 9>&-
scripts/setup/build.sh 9>&-
