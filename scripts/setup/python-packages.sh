#!/usr/bin/env bash
# .tools/python: a Python of its own with what a restore with plain tools uses, the AWS command line and the Encryption SDK.
set -euo pipefail
cd "$(dirname "$0")/../.."

home=.tools/python
requirements=scripts/tools/python/requirements.txt
digest=$(sha256sum "$requirements" | cut -d' ' -f1)
# The interpreter is a link to the machine's: where that was upgraded away, the packages go with it.
if [ "$(cat "$home/.source" 2>/dev/null)" = "$digest" ] && [ -x "$home/bin/python3" ]; then exit 0; fi

echo 'setup: fetching the AWS command line and the Encryption SDK for Python'
rm -rf "$home"
# Without pip inside, which Debian has in yet another package: the machine's installs into it.
python3 -m venv --without-pip "$home"
python3 -m pip --quiet --disable-pip-version-check --python "$home/bin/python3" install --only-binary=:all: \
  --require-hashes --requirement "$requirements"
"$home/bin/aws" --version >/dev/null
echo "$digest" >"$home/.source"
