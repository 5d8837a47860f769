#!/usr/bin/env bash
# dist/ from src/, only when something it is made of has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

inputs() { find src scripts/setup/bundle-jobs.sh tsconfig.json tsconfig.build.json package-lock.json -type f | LC_ALL=C sort | xargs sha256sum; }

digest=$(inputs | sha256sum | cut -d' ' -f1)
[ "$(cat dist/.sources 2>/dev/null)" = "$digest" ] && exit 0

# Beside dist and then moved over it: modules of deleted sources vanish, and no half of a build is ever seen.
rm -rf dist.new
if ! tsc -p tsconfig.build.json --outDir dist.new; then
  rm -rf dist.new
  echo 'setup: the build failed'
  exit 1
fi
if ! scripts/setup/bundle-jobs.sh dist.new >.tools/bundle.log 2>&1; then
  cat .tools/bundle.log
  echo 'setup: the jobs could not be bundled'
  exit 1
fi
rm -rf dist
mv dist.new dist
if [ -f dist/workers/build-bundle.js ] && ! node dist/workers/build-bundle.js >.tools/bundle.log 2>&1; then
  cat .tools/bundle.log
  echo 'setup: the workflows could not be bundled'
  exit 1
fi
echo "$digest" >dist/.sources
