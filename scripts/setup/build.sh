#!/usr/bin/env bash
# dist/ from src/, only when something it is made of has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

inputs() { find src scripts/setup/bundle.sh scripts/setup/rolldown.config.js tsconfig.json tsconfig.build.json package-lock.json -type f | LC_ALL=C sort | xargs sha256sum; }

digest=$(inputs | sha256sum | cut -d' ' -f1)
[ "$(cat dist/.sources 2>/dev/null)" = "$digest" ] && exit 0

# Beside dist and then moved over it: modules of deleted sources vanish, and no half of a build is ever seen.
rm -rf dist.new
mkdir -p .tools
if ! tsc -p tsconfig.build.json --outDir dist.new; then
  rm -rf dist.new
  echo 'setup: the build failed'
  exit 1
fi
if ! scripts/setup/bundle.sh dist.new >.tools/bundle.log 2>&1; then
  cat .tools/bundle.log
  rm -rf dist.new
  echo 'setup: the build could not be bundled'
  exit 1
fi
rm -rf dist
mv dist.new dist
echo "$digest" >dist/.sources
