#!/usr/bin/env bash
# One server program in .tools/bin: the one that is named or on the PATH if it answers, else built from its pinned module.
# Usage: go-tool.sh <name> <Go package> <path or ''> <arguments that must succeed>…
set -euo pipefail
cd "$(dirname "$0")/../.."

name=$1 package=$2 given=$3
shift 3
target=.tools/bin/$name
module=scripts/tools/$name
stamp=.tools/$name.module

usable() {
  local program=$1
  shift
  "$program" "$@" >/dev/null 2>&1
}

digest=$(cat "$module/go.mod" "$module/go.sum" | sha256sum | cut -d' ' -f1)
is_given() { [ -z "$given" ] || [ "$(realpath "$given")" = "$(realpath "$target")" ]; }
if [ -x "$target" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && is_given; then exit 0; fi

# .tools/bin leads the PATH, and an earlier link of ours there proves nothing.
found=${given:-$(type -ap "$name" | grep -Fxv "$PWD/$target" | head -n 1 || true)}
if [ -n "$found" ] && usable "$found" "$@"; then
  ln -sfn "$(realpath "$found")" "$target"
elif [ -n "$given" ]; then
  echo "setup: $given does not answer '$name $*'"
  exit 1
else
  echo "setup: building $name with Go (minutes, once)"
  (cd "$module" && go build -o "$OLDPWD/$target.new" "$package")
  mv "$target.new" "$target"
fi
echo "$digest" >"$stamp"
