"""Records forged one way or another: the check that needs one is red, says why, and no other is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.check import Stage
from opsverify.environment import Asked, Environment
from opsverify.loading import load
from opsverify.probes import attested as around
from opsverify.probes import flags, maintenance, routine
from reference_platform.faults import recorded
from reference_platform.faults.model import Verb
from reference_platform.records import attested, keeping
from reference_platform.repository import RELEASED
from reference_platform.state import Platform

pytestmark = pytest.mark.skipif(
    not keeping.can_be_signed(),
    reason="records are signed with git and OpenSSH: apt-get install git openssh-client",
)

PLAN = attested.PLAN
WINDOW = "windows/next.toml"
PLANNED = "deployments/planned.toml"
DAY = timedelta(days=1)


def red(platform: Platform, stage: Stage | None = None) -> dict[str, str]:
    """Every check of people's records that is red, and what it says."""
    environment = load(Path(platform.environment), Asked(stage=stage))
    found = {check: ask(environment) for check, ask in ASKED.items()}
    return {check: "; ".join(said) for check, said in found.items() if said}


ASKED: dict[str, Callable[[Environment], tuple[str, ...]]] = {
    "DEP-04": lambda one: around.way_back(one, _(one.records)).missing,
    "DEP-05": lambda one: around.told(one, _(one.records)).missing,
    "DEP-13": lambda one: around.dashboards(one, _(one.records)).missing,
    "DEP-14": lambda one: around.flows(one, _(one.records)).missing,
    "MNT-01": lambda one: maintenance.maintenance_windows(one, _(one.maintenance)).findings,
    "MNT-03": lambda one: maintenance.readied(one, _(one.records)).missing,
    "MNT-06": lambda one: routine.routine(one, _(one.records)).overdue,
    "CFG-05": lambda one: flags.rollout(one, _(one.flags)).wrong,
}


def _(declared: Any) -> Any:
    """A table that the platform declares."""
    assert declared is not None
    return declared


@contextmanager
def applied(platform: Platform, verb: Verb) -> Iterator[None]:
    """The records are so inside the block, and as before after it."""
    try:
        verb.do(platform)
        yield
    finally:
        verb.undo(platform)


@pytest.fixture
def plan(platform: Platform) -> Iterator[Path]:
    """The file of the rollback plan, as it was after the test."""
    file = platform.records / PLAN
    text = file.read_bytes()
    yield file
    file.unlink(missing_ok=True)
    file.write_bytes(text)


@pytest.mark.parametrize("stage", [None, "pre_deploy", "pre_maintenance", "pre_rollback", "nightly"])
def test_the_platforms_records_are_green(platform: Platform, stage: Stage | None) -> None:
    """In whatever stage they are asked for."""
    assert red(platform, stage) == {}


def change(words: str, signed_by: str | None = "", **changes: Any) -> Verb:
    """The rollback plan is another."""
    return recorded.changed(words, PLAN, signed_by=signed_by, **changes)


def moved(by: timedelta) -> Callable[[Platform, dict[str, Any]], datetime]:
    """A record's time, moved."""
    return lambda _, record: record["when"] + by


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (recorded.without("missing", PLAN), "rollback plan: not on record for release v1.2.0"),
        (change("stale", when=moved(-31 * DAY)), "it is 31.0 days old and holds for 720 h"),
        (change("in the future", when=moved(DAY)), "it lies in the future"),
        (change("of another release", release=RELEASED), "not on record for release v1.2.0"),
        (change("of no release", release=None), "not on record for release v1.2.0"),
        (change("of another environment", target="production"), "not on record for release v1.2.0"),
        (change("of another thing", what="rollout plan"), "not on record for release v1.2.0"),
        (
            change("by someone else", who="sre-on-call"),
            "sre-on-call may not write it (allowed: release-manager)",
        ),
        (change("unsigned", None, note="x"), "it is not signed"),
        (
            change("signed for another", "sre-on-call", note="x"),
            "it names release-manager and is signed by sre-on-call",
        ),
        (change("signed by a stranger", "stranger", note="x"), "its key is not among the allowed signers"),
        (recorded.written("cut", PLAN, "kind = "), "not valid TOML"),
        (recorded.written("of no kind", PLAN, 'kind = "attestatoin"\n'), "unknown 'attestatoin'"),
        (recorded.written("empty", PLAN, ""), "expected the kind of the record"),
    ],
    ids=lambda one: one.words.replace(" ", "-") if isinstance(one, Verb) else "",
)
def test_a_forged_plan_is_none(platform: Platform, verb: Verb, said: str) -> None:
    """DEP-04 says why, nothing else is red, and after the record is back all is as before."""
    with applied(platform, verb):
        found = red(platform)
    assert list(found) == ["DEP-04"]
    assert said in found["DEP-04"]
    assert red(platform) == {}


def test_a_plan_changed_after_it_was_committed_is_none(platform: Platform, plan: Path) -> None:
    """A signature is one of what was committed."""
    plan.write_text(plan.read_text() + 'note = "and then we pray"\n')
    assert "it was changed after it was committed" in red(platform)["DEP-04"]


def test_a_plan_that_nobody_committed_is_none(platform: Platform, plan: Path) -> None:
    """A file put beside the others has no signature."""
    beside = plan.with_name("beside.toml")
    plan.rename(beside)
    try:
        assert "it is not committed" in red(platform)["DEP-04"]
    finally:
        beside.unlink()


def test_a_link_to_a_plan_is_none(platform: Platform, plan: Path, tmp_path: Path) -> None:
    """What lies outside the records is no record."""
    elsewhere = tmp_path / "plan.toml"
    plan.rename(elsewhere)
    plan.symlink_to(elsewhere)
    assert "not on record for release v1.2.0" in red(platform)["DEP-04"]


@pytest.mark.parametrize(
    ("verb", "checks"),
    [
        (recorded.without("no window", WINDOW), ["MNT-01", "MNT-03"]),
        (
            recorded.changed("a stranger's window", WINDOW, signed_by="stranger", note="x"),
            ["MNT-01", "MNT-03"],
        ),
        (recorded.changed("a window of others", WINDOW, target="production"), ["MNT-01", "MNT-03"]),
        (recorded.changed("no window named", PLANNED, window=None), ["DEP-05", "MNT-01"]),
        (recorded.changed("another window named", PLANNED, window="W-now"), ["DEP-05", "MNT-01"]),
        (
            recorded.changed(
                "outside its window",
                PLANNED,
                planned_for=lambda _, record: record["planned_for"] + timedelta(hours=1),
            ),
            ["MNT-01"],
        ),
        (
            recorded.changed("reviewed before", attested.DASHBOARDS, when=moved(-DAY)),
            ["DEP-13"],
        ),
        (
            recorded.changed("reviewed by a stranger", attested.FLOWS, signed_by="stranger", note="x"),
            ["DEP-14"],
        ),
        (recorded.changed("failed", attested.LOAD, result="failed"), ["MNT-06"]),
        (recorded.changed("unsigned", attested.LOAD, signed_by=None, note="x"), ["MNT-06"]),
    ],
    ids=lambda one: one.words.replace(" ", "-") if isinstance(one, Verb) else "",
)
def test_other_records_are_red_in_their_place(platform: Platform, verb: Verb, checks: list[str]) -> None:
    """The checks that need a record, and no other."""
    with applied(platform, verb):
        assert list(red(platform)) == checks
    assert red(platform) == {}


def test_a_flag_of_a_release_counts_by_its_signed_record(platform: Platform) -> None:
    """A release whose record does not count has flags that nobody knows."""
    verb = recorded.changed("unsigned", "releases/v1.2.0.toml", signed_by=None, note="x")
    with applied(platform, verb):
        assert red(platform) == {"CFG-05": "v1.2.0: no record says which flags it has"}


def test_before_a_rollback_the_plan_of_what_runs_counts(platform: Platform) -> None:
    """Not that of the release to come."""
    with applied(platform, recorded.without("missing", "attestations/rollback-plan-running.toml")):
        assert "rollback plan: not on record for release v1.1.0" in red(platform, "pre_rollback")["DEP-04"]
        assert red(platform, "pre_deploy") == {}


def test_times_of_records_keep_their_zone(platform: Platform) -> None:
    """A record without one is no record."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with applied(platform, change("without a zone", when=now)):
        assert "expected a time with its zone" in red(platform)["DEP-04"]
