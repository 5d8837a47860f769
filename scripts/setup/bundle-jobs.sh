#!/usr/bin/env bash
# dist/jobs/bundle/main.js from dist/jobs/main.js: a job is a process of its own, and most of a short one's time is Node finding
# and reading hundreds of small files. What it loads only when it needs it stays apart; native code stays where it is.
# Usage: bundle-jobs.sh <directory of the build>
set -euo pipefail
build=$1
exec rolldown "$build/jobs/main.js" --dir "$build/jobs/bundle" --format esm --platform node \
  --external @node-rs/crc32 --external pg-native --log-level warn
