"""A platform with a pooler, and the fault that only its console shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsverify.environment import PgBouncer
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.probes.database.asking import answers
from opsverify.probes.database.pooler import pools
from reference_platform import pgbouncer
from reference_platform.faults import FAULTS
from reference_platform.lifecycle import on_demand
from reference_platform.parts import PARTS
from reference_platform.state import Platform
from tests.platform.judging import judge

PART = "pgbouncer"
CONSOLE = PgBouncer(dsn_from="PGBOUNCER_URL")


@pytest.fixture(scope="module")
def with_pooler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, whose environment declares the pooler."""
    lacking = PARTS[PART].lacking()
    if lacking is not None:
        assert "CI" not in os.environ, lacking
        pytest.skip(lacking)
    with on_demand(tmp_path_factory.mktemp("state") / "none", parts=[PART]) as platform:
        yield platform


@pytest.mark.parametrize("key", [key for key, fault in FAULTS.items() if PART in fault.parts])
def test_a_waiting_client_is_seen_at_the_pooler_alone(with_pooler: Platform, key: str) -> None:
    """Both ways, among all checks of the database; after mending all is as before."""
    environment = Path(with_pooler.environment)
    fault = FAULTS[key]
    with fault.applied(with_pooler):
        broken = judge(environment, ["database"])
        found = pools(load(environment), CONSOLE)
    assert {name for name, outcome in broken.items() if outcome != "passed"} == fault.failed
    assert "pool midst/midst: 1 clients wait" in found.waiting[0]
    mended = judge(environment, ["database"])
    assert set(mended.values()) == {"passed"}
    assert "DB-03[pgbouncer]" in mended


def test_a_pooler_that_is_away_is_no_good_one(with_pooler: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, or a user who may not ask: could not look; and another database is not connected to."""
    environment = load(Path(with_pooler.environment))
    url = pgbouncer.variables(with_pooler.settings)["PGBOUNCER_URL"]
    port = str(with_pooler.settings.ports[PART])
    for wrong, why in (
        (url.replace(port, "1"), "connection refused"),
        (url.replace("watcher:", "watcher:not"), "the password is refused"),
        (pgbouncer.dsn(with_pooler), "points at database 'midst'"),
    ):
        monkeypatch.setenv("WRONG_URL", wrong)
        with pytest.raises(CouldNotLook, match=why):
            pools(environment, CONSOLE.model_copy(update={"dsn_from": "WRONG_URL"}))


def test_all_questions_pass_through_a_pooler(with_pooler: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """In transaction mode, which takes no settings at the start, each question is answered by itself."""
    environment = load(Path(with_pooler.environment))
    assert environment.postgres is not None
    monkeypatch.setenv("POOLED_URL", pgbouncer.dsn(with_pooler))
    through = environment.postgres.model_copy(update={"dsn_from": "POOLED_URL"})
    seen = answers(environment, through)
    assert seen.trouble is None
    assert [name for name, found in seen.found.items() if not isinstance(found, list)] == []
    assert seen.round_trips == 2
