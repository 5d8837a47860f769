#!/usr/bin/env bash
# The AWS command line as .tools/aws, for the benchmark alone.
set -euo pipefail
cd "$(dirname "$0")/../.."

requirements=scripts/tools/aws/requirements.txt
digest=$(sha256sum "$requirements" | cut -d' ' -f1)
if [ -x .tools/aws/bin/aws ] && [ "$(cat .tools/aws/.requirements 2>/dev/null)" = "$digest" ]; then exit 0; fi

echo 'setup: fetching the AWS command line'
rm -rf .tools/aws
python3 -m venv .tools/aws
.tools/aws/bin/pip --quiet --disable-pip-version-check install --no-deps --require-hashes --requirement "$requirements"
.tools/aws/bin/aws --version >/dev/null
echo "$digest" >.tools/aws/.requirements
