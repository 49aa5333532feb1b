#!/usr/bin/env bash
# Deploys a release on the reference platform: backup, gate, migrations, services, gate.
#
#   python3 run.py exec bash pipelines/deployment/deploy.sh STATE RELEASE PREVIOUS
#
# Ends with 0 when the second gate says go; else with the gate's own code, or 1 when a step failed. What a
# real environment does otherwise: pg_dump in place of `backup`, its migration tool in place of `migrate`,
# `helm upgrade` or `docker compose up` in place of `deploy`. Everything else stays as it is here.
set -euo pipefail
state=$(cd "$1" && pwd)
release=$2
previous=$3
. "$(dirname "$0")/steps.sh"

# The schema goes back to what it was, and the failure on record.
give_up() {
  platform undeploy "$release" --to="$previous"
  stop_watching
  record deployment --state=failed --release="$release" --previous="$previous" --commit="$commit" \
    --window="$window" --started="$started" --ended=now
  exit 1
}

window=W-$(date -u +%Y%m%d-%H%M%S)
commit=$(git -C "$state/repository" rev-parse "refs/tags/$release^{commit}")

say "Window and plan on record"
by release-manager
record window --id="$window" --type=emergency --reason="trial of the deployment" --starts=now \
  --ends="$(now 3600)" --announced=now
record attestation --what="on-call notified" --window="$window"
record deployment --state=planned --release="$release" --previous="$previous" --commit="$commit" \
  --window="$window" --planned-for=now

say "Backup"
platform backup --release="$release"

say "Gate before the deployment"
gate pre_deploy --release="$release"

say "Migrations and services, with the availability recorder on"
begin_watching "$release"
started=$(now)
if ! platform migrate "$release"; then
  say "A migration failed: the schema goes back, the services were not touched"
  give_up
fi
if ! platform deploy "$release"; then
  say "A service did not come up: all go back"
  platform deploy "$previous"
  give_up
fi
ended=$(now)
stop_watching
record deployment --state=deployed --release="$release" --previous="$previous" --commit="$commit" \
  --window="$window" --started="$started" --ended="$ended"

say "Gate after the deployment"
gate post_deploy --release="$release" || {
  code=$?
  say "Not go. Back to $previous: bash pipelines/deployment/roll-back.sh $state $release $previous"
  exit "$code"
}
