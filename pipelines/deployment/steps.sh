# What deploy.sh and roll-back.sh have in common; sourced by them, after `state` is set.
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
environment=$state/environment.toml
cd "$clone"

say() { printf '\n=== %s ===\n' "$*"; }
# now [SECONDS]: this moment, or one so many seconds later, to the millisecond
now() { python -c "from datetime import *; print((datetime.now(UTC) + timedelta(seconds=${1:-0})).isoformat(timespec='milliseconds'))"; }

platform() { python -m reference_platform "$@" --state="$state"; }

# gate STAGE [option]…: the verdict's last line, and its exit code. REPORTS: another folder for the reports.
gate() {
  local stage=$1
  shift
  python -m pytest --stage="$stage" --env="$environment" ${REPORTS:+--report="$REPORTS/$stage"} "$@"
}

# by ROLE: who writes records down from here on, and signs them where the platform has keys.
by() {
  who=$1
  export GIT_CONFIG_COUNT=4
  export GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=$who
  export GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=$who@midst.example
  export GIT_CONFIG_KEY_2=gpg.format GIT_CONFIG_VALUE_2=ssh
  export GIT_CONFIG_KEY_3=user.signingKey GIT_CONFIG_VALUE_3=$state/signing/$who
}

keep_in_git() { [ ! -d "$state/records/.git" ] || echo --git-commit; }
record() { python -m opsverify record "$@" --who="$who" --env="$environment" $(keep_in_git); }

# The availability recorder: it asks from before the first change until after the last one.
begin_watching() {
  local ready
  ready=$(mktemp -u)
  python -m opsverify watch --env="$environment" --who="$who" --release="$1" --ready="$ready" $(keep_in_git) &
  recorder=$!
  trap 'kill "$recorder"' EXIT # also when a step fails or is interrupted
  until [ -e "$ready" ]; do
    kill -0 "$recorder" # ends here when the recorder did
    sleep 0.1
  done
  rm -f "$ready"
}

stop_watching() {
  trap - EXIT
  kill -TERM "$recorder"
  wait "$recorder"
}
