#!/usr/bin/env bash
# Every check there is. A check that fails does not hide the ones after it; the last line is `<n> passed, <n> failed`.
# Arguments are handed to vitest: `scripts/test.sh test/domain`.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PWD/.tools/bin:$PATH"
mkdir -p .run
HOLDFAST_TEST_SUMMARY=$(mktemp "$PWD/.run/test-summary.XXXXXX")
export HOLDFAST_TEST_SUMMARY
trap 'rm -f "$HOLDFAST_TEST_SUMMARY"' EXIT

passed=0
failed=0

check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

tests() {
  local status=0 counted_passed counted_failed
  vitest run "$@" || status=$?
  # Nothing to read when vitest did not come as far as to begin.
  read -r counted_passed counted_failed <"$HOLDFAST_TEST_SUMMARY" || true
  : "${counted_passed:=0}" "${counted_failed:=0}"
  sed -n '2,$s/^/FAILED: /p' "$HOLDFAST_TEST_SUMMARY"
  # A run that broke off, or left something running, failed even if no single test did.
  if [ "$status" -ne 0 ] && [ "$counted_failed" -eq 0 ]; then
    counted_failed=1
    echo "FAILED: vitest ended with status $status"
  fi
  passed=$((passed + counted_passed))
  failed=$((failed + counted_failed))
}

check setup scripts/setup.sh
if [ "$failed" -eq 0 ]; then
  check lint biome check --error-on-warnings .
  check types tsc --noEmit
  tests "$@"
fi

echo "$passed passed, $failed failed" | tee .run/test-result
[ "$failed" -eq 0 ]
