#!/usr/bin/env bash
# The demo, or with `stop` the end of one that was kept. TypeScript runs as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PWD/.tools/bin:$PATH"
exec node --import ./scripts/demo/run-typescript.mjs scripts/demo/main.ts "$@"
