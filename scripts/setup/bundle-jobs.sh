#!/usr/bin/env bash
# dist/jobs/bundle/main.cjs from dist/jobs/main.js: a job is a process of its own, and most of a short one's time is Node finding
# and reading hundreds of small files. What it loads only when it needs it stays apart; native code stays where it is.
# CommonJS: for an ECMAScript module that imports node:http Node loads all of undici, which takes longer than the rest of us.
# Usage: bundle-jobs.sh <directory of the build>
set -euo pipefail
build=$1
exec rolldown "$build/jobs/main.js" --dir "$build/jobs/bundle" --format cjs --platform node \
  --entry-file-names '[name].cjs' --chunk-file-names '[name]-[hash].cjs' \
  --external @node-rs/crc32 --external pg-native --log-level warn
