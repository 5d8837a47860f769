#!/usr/bin/env bash
# <build>/bundle from what the compiler made: `holdfast.cjs` and `job.cjs` (rolldown.config.js), and `workflows.js`, which a worker
# hands to Temporal's sandbox.
# Usage: bundle.sh <directory of the build, a child of the checkout>
set -euo pipefail
cd "$1"
rolldown --config ../scripts/setup/rolldown.config.js
node workers/build-bundle.js
