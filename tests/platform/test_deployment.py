"""The documented deployment as it stands: with go, with a migration that fails midway, and back again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from reference_platform import migrations, repository
from reference_platform.lifecycle import down, up
from reference_platform.records import keeping
from reference_platform.repository import NEXT, RELEASED, git
from reference_platform.state import Platform, read

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "pipelines" / "deployment"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Platform]:
    """A platform of this test's own: it is deployed on."""
    state = tmp_path / "the state"
    yield up(state)
    down(state)


def run(
    script: str, platform: Platform, reports: Path, release: str = NEXT
) -> subprocess.CompletedProcess[str]:
    """Run a script as an operator does inside the prepared environment."""
    variables = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
        "REPORTS": str(reports),
    }
    return subprocess.run(
        ["bash", str(SCRIPTS / script), str(platform.state), NEXT, RELEASED],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=variables,
    )


def verdict(reports: Path, stage: str) -> dict[str, object]:
    """What a gate of the script decided."""
    found: dict[str, object] = json.loads((reports / stage / "gate.json").read_text())
    return found


def runs(platform: Platform) -> str:
    """The release that the platform's services are of."""
    now = read(platform.state)
    assert now is not None
    return now.settings.release


def test_a_deployment_goes_through_and_back(own: Platform, tmp_path: Path) -> None:
    """Both gates say go, nobody was turned away; and after the rollback all is as it was."""
    reports = tmp_path / "reports"
    before = migrations.applied(own)

    deployed = run("deploy.sh", own, reports)

    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    for stage in ("pre_deploy", "post_deploy"):
        found = verdict(reports, stage)
        assert (found["decision"], found["release"]) == ("go", NEXT)
    assert migrations.applied(own) > before
    assert runs(own) == NEXT
    assert list(own.backups.glob("pre-deploy-*.dump"))

    back = run("roll-back.sh", own, reports)

    assert back.returncode == 0, back.stdout + back.stderr
    found = verdict(reports, "post_deploy")
    assert (found["decision"], found["release"]) == ("go", RELEASED)
    assert migrations.applied(own) == before
    assert runs(own) == RELEASED


def test_a_migration_that_fails_midway_stops_it(own: Platform, tmp_path: Path) -> None:
    """It looked well on the scratch server: the schema goes back, the services are not touched."""
    before = migrations.applied(own)
    # rows that only the real database has: the rehearsal on its empty copy cannot see them
    _add_to_the_release(own, "009_one_profile_each.sql", ONLY_FAILS_WITH_ROWS)

    stopped = run("deploy.sh", own, tmp_path / "reports")

    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "a migration of v1.2.0 failed" in stopped.stderr, stopped.stdout
    assert migrations.applied(own) == before
    assert runs(own) == RELEASED
    assert verdict(tmp_path / "reports", "pre_deploy")["decision"] == "go"
    assert not (tmp_path / "reports" / "post_deploy").exists()


def test_the_gate_stops_it_before_anything_is_touched(own: Platform, tmp_path: Path) -> None:
    """A migration that nobody reviewed does not get as far as the database."""
    before = migrations.applied(own)
    _add_to_the_release(own, "009_notes.sql", "CREATE TABLE notes (id bigint);\n", reviewed=False)

    stopped = run("deploy.sh", own, tmp_path / "reports")

    assert stopped.returncode == 1
    assert "GATE stop target=local stage=pre_deploy" in stopped.stdout
    assert migrations.applied(own) == before
    assert runs(own) == RELEASED


ONLY_FAILS_WITH_ROWS = """\
CREATE TABLE one_profile_each (always boolean NOT NULL UNIQUE);
INSERT INTO one_profile_each SELECT true FROM profiles;
"""


def _add_to_the_release(platform: Platform, name: str, sql: str, *, reviewed: bool = True) -> None:
    """Put a further migration, with its rollback, into the release to come, also on the remote."""
    here = platform.repository
    folder = here / "apps" / "api" / "migrations"
    git("-C", str(here), "checkout", "--quiet", "--detach", f"refs/tags/{NEXT}")
    (folder / name).write_text(sql)
    table = sql.split()[2]
    (folder / "rollback" / name).write_text(f"DROP TABLE {table};\n")
    git("-C", str(here), "add", "--all")
    git("-C", str(here), "commit", "--quiet", "--message=One more migration")
    git("-C", str(here), "tag", "--force", "--annotate", "--message=again", NEXT)
    git("-C", str(here), "push", "--quiet", "--force", "origin", f"refs/tags/{NEXT}")
    repository.write_junit(platform, git("-C", str(here), "rev-parse", "HEAD"))  # its tests passed
    if reviewed:
        _review(platform, f"apps/api/migrations/{name}", sql)


def _review(platform: Platform, path: str, sql: str) -> None:
    review = {
        "kind": "review",
        "who": "service-owner",
        "when": datetime.now(UTC),
        "release": NEXT,
        "files": {path: f"sha256:{sha256(sql.encode()).hexdigest()}"},
    }
    keeping.keep(platform, {"reviews/one-more.toml": review})
