"""DEP-04, DEP-05, DEP-13, DEP-14: what stands on record for this release, this window, and when."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, RecordsTable
from opsverify.looking import CouldNotLook
from opsverify.probes import attested as probes
from tests.opsverify.recording import NOW, attested, deployed, planned, recorded, released, window

HOUR = timedelta(hours=1)
RECORDS = RecordsTable(folder=Path("records"))
NO_GIT = '[[gaps]]\nwithout = "git"\nreason = "OPS-1: none here"\nowner = "ops"\nuntil = 2999-12-31\n'
COMING = {
    "release.toml": released("v2", "v1"),
    "planned.toml": planned("v2", window="W-2"),
    "window.toml": window("W-2", NOW + HOUR, NOW + 2 * HOUR),
}


def way_back(folder: Path, records: dict[str, Any], more: str = NO_GIT, **asked: Any) -> tuple[str, ...]:
    """What DEP-04 misses."""
    environment = recorded(folder, records, more, asked=Asked(**asked))
    return probes.way_back(environment, RECORDS).missing


def git(*command: str | Path) -> None:
    """Run git as somebody."""
    someone = ("-c", "user.name=o", "-c", "user.email=o@example.invalid")
    subprocess.run(["git", *someone, *map(str, command)], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit and one tag, v1, and a remote that has both."""
    folder, remote = tmp_path / "code", tmp_path / "code.git"
    git("init", "--quiet", folder)
    git("-C", folder, "commit", "--quiet", "--allow-empty", "--message", "one")
    git("-C", folder, "tag", "v1")
    git("clone", "--quiet", "--bare", folder, remote)
    git("-C", folder, "remote", "add", "origin", remote)
    return folder


GIT = '[git]\nrepository = "code"\n'


def test_a_plan_and_a_release_to_go_back_to_are_enough(tmp_path: Path, repository: Path) -> None:
    """Nothing is missing, and the record is named for the verdict."""
    records = COMING | {"plan.toml": attested("Rollback-Plan", release="v2", link="https://plan.example")}
    found = probes.way_back(recorded(tmp_path, records, GIT), RECORDS)
    assert found.missing == ()
    assert found.record is not None
    assert found.record.startswith("plan.toml: release-manager, ")
    assert found.record.endswith(", https://plan.example")


@pytest.mark.parametrize(
    ("plan", "missing"),
    [
        (None, "rollback plan: not on record for release v2"),
        (
            attested("rollback plan", release="v1"),
            "rollback plan: not on record for release v2 (only for release v1)",
        ),
        (attested("rollback plan"), "rollback plan: not on record for release v2 (only for release –)"),
        (
            attested("rollback plan", release="v2", target="elsewhere"),
            "rollback plan: not on record for release v2",
        ),
    ],
)
def test_a_plan_is_for_this_release_and_environment(
    tmp_path: Path, plan: dict[str, Any] | None, missing: str
) -> None:
    """One for another release, for all releases, or for another environment is none."""
    assert way_back(tmp_path, COMING | ({"plan.toml": plan} if plan else {})) == (missing,)


def test_before_a_rollback_the_plan_is_that_of_what_runs(tmp_path: Path) -> None:
    """The release that runs is taken back then, not the one to come."""
    records = COMING | {
        "ran.toml": deployed("v1", NOW - HOUR, NOW, previous="v0"),
        "plan.toml": attested("rollback plan", release="v1"),
    }
    assert way_back(tmp_path, records, stage="pre_rollback") == ()
    assert way_back(tmp_path, records, stage="pre_deploy") != ()


def test_a_release_without_one_before_it_cannot_be_taken_back(tmp_path: Path) -> None:
    """A plan alone goes nowhere."""
    records = COMING | {
        "release.toml": released("v2", None),
        "plan.toml": attested("rollback plan", release="v2"),
    }
    assert way_back(tmp_path, records) == ("v2: no record names the release to go back to",)


PLANNED_WELL = COMING | {"plan.toml": attested("rollback plan", release="v2")}


def test_the_release_to_go_back_to_has_its_tag_here_and_on_the_remote(
    tmp_path: Path, repository: Path
) -> None:
    """Each place without it is named."""
    git("-C", repository, "tag", "v0")  # so that there are tags
    git("-C", tmp_path / "code.git", "tag", "--delete", "v1")
    assert way_back(tmp_path, PLANNED_WELL, GIT) == ("v1: there is no tag v1 on origin",)
    git("-C", repository, "tag", "--delete", "v1")
    assert way_back(tmp_path, PLANNED_WELL, GIT) == (
        "v1: there is no tag v1 in code",
        "v1: there is no tag v1 on origin",
    )


def test_a_clone_without_tags_leaves_it_to_the_remote(tmp_path: Path, repository: Path) -> None:
    """A pipeline's clone often has none; where there is no remote, nobody knows."""
    git("-C", repository, "tag", "--delete", "v1")
    assert way_back(tmp_path, PLANNED_WELL, GIT) == ()
    with pytest.raises(CouldNotLook) as refused:
        way_back(tmp_path, PLANNED_WELL, GIT + "remote = false\n")
    assert refused.value.why == "code has no tags"


def test_without_a_repository_nobody_knows_whether_the_release_is_there(tmp_path: Path) -> None:
    """Unless the environment says that it has none; a missing plan is said all the same."""
    with pytest.raises(CouldNotLook) as refused:
        way_back(tmp_path, PLANNED_WELL, "")
    assert (refused.value.where, refused.value.why) == ("git", "no repository says whether v1 is still there")
    ended = NO_GIT.replace("2999", "2020")
    with pytest.raises(CouldNotLook):
        way_back(tmp_path, PLANNED_WELL, ended)
    (tmp_path / "records" / "plan.toml").unlink()
    assert way_back(tmp_path, COMING, "") == ("rollback plan: not on record for release v2",)


def test_nothing_planned_could_not_be_looked_at(tmp_path: Path) -> None:
    """Nothing says which release the plan would be for."""
    with pytest.raises(CouldNotLook) as refused:
        way_back(tmp_path, {})
    assert refused.value.why == "no deployment is planned"


@pytest.mark.parametrize(
    ("records", "missing"),
    [
        (COMING | {"told.toml": attested("on-call notified", window="W-2")}, ()),
        (COMING, ("on-call notified: not on record for window W-2",)),
        (
            COMING | {"told.toml": attested("on-call notified", window="W-1")},
            ("on-call notified: not on record for window W-2 (only for window W-1)",),
        ),
        (COMING | {"planned.toml": planned("v2")}, ("v2: planned.toml names no window",)),
        (
            {"release.toml": released("v2", "v1")},
            ("v2: its deployment is not planned on record",),
        ),
    ],
)
def test_on_call_was_told_of_this_window(
    tmp_path: Path, records: dict[str, Any], missing: tuple[str, ...]
) -> None:
    """Of the one that the planned deployment names, and no other."""
    environment = recorded(tmp_path, records, asked=Asked(stage="pre_deploy", release="v2"))
    assert probes.told(environment, RECORDS).missing == missing


def reviewed(folder: Path, records: dict[str, Any], allowed: float | None) -> tuple[str, ...]:
    """What DEP-13 misses."""
    rules = "" if allowed is None else f"reviews_follow_within_hours = {allowed}\n"
    environment = recorded(folder, records, rules=rules)
    assert environment.records is not None
    return probes.dashboards(environment, environment.records).missing


def utc(moment: datetime) -> str:
    """As it is shown."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


ENDED = NOW - 3 * HOUR
RAN = {"ran.toml": deployed("v1", ENDED - HOUR, ENDED)}


def review(when: datetime, release: str = "v1") -> dict[str, Any]:
    """The record of a review."""
    return attested("dashboards reviewed", release=release, when=when)


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        (None, "dashboards reviewed: not on record for release v1"),
        (
            4,
            f"dashboards reviewed: not on record for release v1 (may follow until {utc(ENDED + 4 * HOUR)})",
        ),
        (
            2,
            (
                "dashboards reviewed: not on record for release v1 "
                f"(was to follow until {utc(ENDED + 2 * HOUR)})"
            ),
        ),
    ],
)
def test_a_missing_review_says_until_when_it_may_follow(
    tmp_path: Path, allowed: float | None, missing: str
) -> None:
    """It is missing all the same."""
    assert reviewed(tmp_path, RAN, allowed) == (missing,)


@pytest.mark.parametrize(
    ("when", "allowed", "missing"),
    [
        (ENDED, 1, ()),
        (ENDED + HOUR, 1, ()),
        (ENDED + 2 * HOUR, None, ()),
        (
            ENDED + 2 * HOUR,
            1,
            (
                (
                    f"dashboards reviewed (seen.toml): too late ({utc(ENDED + 2 * HOUR)}, "
                    f"was to follow until {utc(ENDED + HOUR)})"
                ),
            ),
        ),
        (
            ENDED - timedelta(minutes=1),
            1,
            (
                (
                    "dashboards reviewed (seen.toml): was before the deployment ended "
                    f"({utc(ENDED - timedelta(minutes=1))}, {utc(ENDED)})"
                ),
            ),
        ),
    ],
)
def test_a_review_follows_its_deployment_in_time(
    tmp_path: Path, when: datetime, allowed: float | None, missing: tuple[str, ...]
) -> None:
    """Not before it, and not later than the environment allows."""
    assert reviewed(tmp_path, RAN | {"seen.toml": review(when)}, allowed) == missing


def test_of_several_reviews_one_in_time_is_enough(tmp_path: Path) -> None:
    """Looking again later takes nothing away, and neither does a look before."""
    records = RAN | {
        "before.toml": review(ENDED - HOUR),
        "in-time.toml": review(ENDED + HOUR / 2),
        "late.toml": review(ENDED + 2 * HOUR),
    }
    assert reviewed(tmp_path, records, 1) == ()


def test_a_review_of_another_release_is_none(tmp_path: Path) -> None:
    """The release is that of the newest deployment."""
    assert reviewed(tmp_path, RAN | {"seen.toml": review(NOW, "v0")}, None) == (
        "dashboards reviewed: not on record for release v1 (only for release v0)",
    )
    assert probes.flows(recorded(tmp_path, RAN), RECORDS).missing == (
        "key flows verified: not on record for release v1",
    )


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_at_the_end_of_the_calendar_is_none(tmp_path: Path, when: str) -> None:
    """Nobody can reckon with it: the record is unreadable, and hinders none beside it."""
    records = COMING | {
        "plan.toml": attested("rollback plan", release="v2", when=datetime.fromisoformat(when))
    }
    missing = way_back(tmp_path, records)
    assert len(missing) == 1
    assert "plan.toml: when: expected a time from 1970 to 2999" in missing[0]
    assert way_back(tmp_path, records | {"other.toml": attested("rollback plan", release="v2")}) == ()
