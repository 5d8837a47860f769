#!/usr/bin/env bash
# The packages of package-lock.json, among them Node.js 24 itself, which lands in node_modules/.bin.
set -euo pipefail
cd "$(dirname "$0")/../.."

stamp=node_modules/.holdfast-lock
digest=$(sha256sum package.json package-lock.json .npmrc | sha256sum | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && exit 0

echo 'setup: installing the npm packages'
# npm removes node_modules first, so the Node in there cannot be the one that runs it.
export PATH=${PATH//"$PWD/node_modules/.bin:"/}
# An older Node of the machine warns about engines and can still install: it is replaced by what it installs.
npm ci --no-progress --loglevel=error
version=$(node_modules/.bin/node --version)
case $version in
  v24.*) echo "$digest" >"$stamp" ;;
  *) echo "setup: node_modules/.bin/node is $version instead of 24: was it kept from running install scripts?" && exit 1 ;;
esac
