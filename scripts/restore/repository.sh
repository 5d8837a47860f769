# Sourced by restore_db.sh: a repository in a directory or an S3 bucket. The keys are the same in both.

# The store's own checks of downloads are not known to all of them, and every file is compared with the manifest.
export AWS_RESPONSE_CHECKSUM_VALIDATION=${AWS_RESPONSE_CHECKSUM_VALIDATION:-when_required}
export AWS_PAGER=''

s3() {
  aws "${aws_options[@]}" s3 "$@"
}

# Sets `root`, a directory with the manifests of the repository's full backups, or of one system.
collect_manifests() {
  if [ -z "$bucket" ]; then
    [ -d "$from" ] && [ -r "$from" ] && [ -x "$from" ] || fail 7 "cannot read the directory $from" 'check --from, and who you are'
    root=$from
    return
  fi
  root=$work/manifests
  mkdir -- "$root"
  local name names=("$system")
  if [ -z "$system" ]; then
    attend list_top >"$work/top" || source_failed "list $from"
    mapfile -t names < <(sed -n 's/^ *PRE \([a-z0-9][a-z0-9_-]*\)\/$/\1/p' "$work/top")
  fi
  for name in "${names[@]}"; do
    attend s3 cp --recursive --only-show-errors --exclude '*' --include '*/manifest.json' \
      "$from/$name/full/" "$root/$name/full/" || source_failed "read the manifests of $name in $from"
  done
}

# The command ends with 1 both for failures and for a bucket with nothing in it.
list_top() {
  s3 ls "$from/" || [ $? -eq 1 ]
}

# Brings what the manifest names, and nothing else, into `$work/backup`.
fetch_artifacts() {
  local name wanted=()
  if [ -z "$bucket" ]; then
    ln -s -- "$(realpath -- "$from")/$place/$attempt" "$work/backup/$attempt"
    return
  fi
  # Their names hold nothing that a pattern could mean.
  for name in "${artifacts[@]}"; do wanted+=(--include "$name"); done
  tell "fetching ${#artifacts[@]} artifacts, $stored bytes"
  attend s3 cp --recursive --only-show-errors --exclude '*' "${wanted[@]}" "$from/$place/$attempt/" "$work/backup/$attempt/" ||
    source_failed "fetch the artifacts of $place from $from"
}

source_failed() {
  fail 7 "cannot $1; see the message above" \
    'check --from and --endpoint-url, the credentials (AWS_ACCESS_KEY_ID and others, or ~/.aws) and that the object is not archived'
}
