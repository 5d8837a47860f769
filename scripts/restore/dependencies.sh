# Sourced by restore_db.sh: what this machine must have. Everything that is missing is told at once.

missing=()
lacks() { missing+=("  $1: $2"); }

python_packages='aws-encryption-sdk==4.0.7 aws-cryptographic-material-providers==1.11.3'
virtual='python3 -m venv ~/restore-tools && PATH=~/restore-tools/bin:$PATH'

demand_tools() {
  local has_python=yes
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    has_python=''
    lacks 'python3, 3.11 or later' 'apt-get install python3 (Debian 12, Ubuntu 24.04 or later)'
  fi
  [ -z "$bucket" ] || command -v aws >/dev/null || lacks aws "apt-get install awscli, or: $virtual && pip install awscli"
  if [ -z "$list" ]; then
    command -v zstd >/dev/null || lacks zstd 'apt-get install zstd'
    [[ $(tar --version 2>/dev/null) == *'GNU tar'* ]] || lacks 'tar, GNU' 'apt-get install tar'
    [ "${#keys[@]}" -eq 0 ] || [ -z "$has_python" ] || demand_python_packages
    [ "$(id -u)" -ne 0 ] || demand_server_user
  fi
  report_missing
}

# Only encrypted backups come with keys.
demand_python_packages() {
  local package absent=()
  for package in aws_encryption_sdk aws_cryptographic_material_providers; do
    python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)' "$package" ||
      absent+=("${package//_/-}")
  done
  [ "${#absent[@]}" -eq 0 ] ||
    lacks "Python packages (${absent[*]})" "apt-get install python3-venv; $virtual && pip install $python_packages"
}

# PostgreSQL refuses to run as root, and tar shall not run as root either.
demand_server_user() {
  id -u postgres >/dev/null 2>&1 ||
    lacks 'user postgres' 'comes with the package postgresql-<version>, or: useradd --system --home-dir / postgres; or do not run this as root'
  command -v setpriv >/dev/null || lacks setpriv 'apt-get install util-linux'
}

report_missing() {
  [ "${#missing[@]}" -eq 0 ] || fail 6 'this machine lacks programs' "Debian and Ubuntu:
$(printf '%s\n' "${missing[@]}")"
}

# Sets `bin`, the directory of the programs of the backup's major version.
find_server() {
  local major=$1 candidate
  local candidates=("/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin")
  candidate=$(command -v postgres) && candidates+=("$(dirname -- "$candidate")")
  [ -z "$bin" ] || candidates=("$bin")
  for candidate in "${candidates[@]}"; do
    if [[ $("$candidate/postgres" --version 2>/dev/null) =~ ^postgres\ \(PostgreSQL\)\ ${major}[^0-9] ]] &&
      as_server test -x "$candidate/postgres" && [ -x "$candidate/pg_ctl" ] && [ -x "$candidate/psql" ] && [ -x "$candidate/pg_controldata" ]; then
      bin=$(realpath -- "$candidate")
      return
    fi
  done
  lacks "the server of PostgreSQL $major, with psql (looked in ${candidates[*]})" \
    "apt-get install postgresql-$major, from https://apt.postgresql.org where the release has another; or name its directory with --bin"
  report_missing
}
