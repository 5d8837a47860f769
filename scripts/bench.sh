#!/usr/bin/env bash
# The benchmark; see docs/performance.md. TypeScript runs as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PWD/.tools/bin:$PATH"
mkdir -p .run/bench

exec 9>.run/bench/lock
flock -n 9 || { echo 'bench: another one is at work in this checkout' && exit 1; }

# For the comparison alone; without it the benchmark says so and leaves it out.
scripts/setup/pgbackrest.sh 9>&- || true
# Nothing that is started inherits the lock.
node --import ./scripts/demo/run-typescript.mjs bench/main.ts 9>&-
