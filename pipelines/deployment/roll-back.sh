#!/usr/bin/env bash
# Takes a release on the reference platform back: gate, services, schema, gate.
#
#   python3 run.py exec bash pipelines/deployment/roll-back.sh STATE RELEASE PREVIOUS
set -euo pipefail
state=$(cd "$1" && pwd)
release=$2
previous=$3
. "$(dirname "$0")/steps.sh"

say "Gate before the rollback"
gate pre_rollback --release="$release"

say "Services, then the schema, with the availability recorder on"
by release-manager
begin_watching "$release"
started=$(now)
platform deploy "$previous"
platform undeploy "$release" --to="$previous"
ended=$(now)
stop_watching
record deployment --state=rolled-back --release="$release" --previous="$previous" --started="$started" --ended="$ended"

say "Gate after the rollback"
gate post_deploy --release="$previous"
