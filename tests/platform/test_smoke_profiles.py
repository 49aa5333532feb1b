"""Synthetic profiles: nothing is left of them, whatever happens, and nobody else's are touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsverify.environment import Environment, Service
from opsverify.journeys import profiles
from opsverify.looking import CouldNotLook
from reference_platform import postgres
from reference_platform.faults.verbs import answer
from reference_platform.services.sickness import Answer
from reference_platform.state import Platform
from tests.platform.judging import ROOT

PROFILE = "/v1/profiles/*"
LIST = "/v1/profiles"
PAST, FUTURE = 1_000_000_000, 9_999_999_999


@pytest.fixture(autouse=True)
def _nobody_else(platform: Platform) -> Iterator[None]:
    """Each test begins and ends with the seed's profiles only, whatever faults left before."""
    with postgres.admin(platform, postgres.DATABASE) as session:
        session.execute("DELETE FROM profiles WHERE slug LIKE 'synthetic-%'")
        seed = [slug for (slug,) in session.execute("SELECT slug FROM profiles").fetchall()]
        yield
        session.execute("DELETE FROM profiles WHERE NOT slug = ANY(%s)", [seed])


def names(platform: Platform) -> dict[str, str]:
    """All profiles: display names by slug."""
    with postgres.admin(platform, postgres.DATABASE) as session:
        return dict(session.execute("SELECT slug, display_name FROM profiles").fetchall())  # type: ignore[arg-type]


def insert(platform: Platform, slug: str, display_name: str) -> None:
    """Put a profile into the database."""
    with postgres.admin(platform, postgres.DATABASE) as session:
        session.execute(
            "INSERT INTO profiles (id, identity_id, slug, display_name) VALUES (%s, %s, %s, %s)",
            [uuid.uuid4(), uuid.uuid4(), slug, display_name],
        )


def api(environment: Environment) -> Service:
    """The service that is asked."""
    return next(one for one in environment.services if one.name == "api")


@contextmanager
def sick(platform: Platform, how: Answer) -> Iterator[None]:
    """The api answers so inside the block."""
    verb = answer("api", "is sick", how)
    verb.do(platform)
    try:
        yield
    finally:
        verb.undo(platform)


def test_a_life_leaves_nothing_behind(platform: Platform, local: Environment) -> None:
    """And each of its steps is seen: made, changed, gone."""
    before = names(platform)
    life = profiles.life(local, api(local))
    assert (life.refused, life.left) == ((), ())
    assert life.read == life.listed == life.written
    assert life.written[-1] == "absent"
    assert len(set(life.written)) == 3
    assert names(platform) == before


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_step_that_fails_leaves_nothing_behind(platform: Platform, local: Environment, method: str) -> None:
    """The clean-up runs all the same, and tries itself what the step could not."""
    before = names(platform)
    with sick(platform, Answer(path=PROFILE, methods=(method,), status=500)):
        life = profiles.life(local, api(local))
    assert len(life.refused) == 1
    assert life.left == ()
    assert names(platform) == before


def test_no_answer_to_a_step_leaves_nothing_behind(platform: Platform, local: Environment) -> None:
    """It could not look, and cleaned up."""
    before = names(platform)
    hasty = local.model_copy(update={"limits": local.limits.model_copy(update={"step_at_most_seconds": 0.5})})
    with (
        sick(platform, Answer(path=PROFILE, methods=("PATCH",), after_seconds=2)),
        pytest.raises(CouldNotLook, match="api: no answer in time"),
    ):
        profiles.life(hasty, api(hasty))
    assert names(platform) == before


def test_a_deletion_that_deletes_nothing_is_seen(platform: Platform, local: Environment) -> None:
    """Whatever it answers: the profile is read again, and looked for in the list."""
    with sick(platform, Answer(path=PROFILE, methods=("DELETE",), body='{"ok":true}')):
        life = profiles.life(local, api(local))
    assert life.refused == ()
    assert life.read[-1] == life.listed[-1] == life.written[1]
    assert len(life.left) == 1
    assert "200 after its deletion" in life.left[0]


def test_a_stale_list_is_seen(platform: Platform, local: Environment) -> None:
    """The list is asked after each write too."""
    with sick(platform, Answer(path=LIST, methods=("GET",), first_again=True)):
        life = profiles.life(local, api(local))
    assert life.read == life.written
    assert life.listed == (life.written[0], life.written[0], life.written[0])


def test_a_list_that_fails_is_seen(platform: Platform, local: Environment) -> None:
    """As what came in its place; nothing is left for it."""
    before = names(platform)
    with sick(platform, Answer(path=LIST, methods=("GET",), status=500)):
        life = profiles.life(local, api(local))
    assert life.listed == ("the list answered 500",) * 3
    assert names(platform) == before


def test_what_a_killed_run_left_is_swept_when_its_lease_is_over(
    platform: Platform, local: Environment, tmp_path: Path
) -> None:
    """By the next run, not before, and nothing else is."""
    before = names(platform)
    with sick(platform, Answer(path=PROFILE, methods=("PATCH",), after_seconds=30)):
        run = _start_a_life(platform, tmp_path)
        left = _wait_for_a_profile(platform, before)
        os.kill(run.pid, signal.SIGKILL)
        run.wait(10)
    slug, name = left
    profiles.life(local, api(local))
    assert names(platform) == {**before, slug: name}  # its lease is not over

    with postgres.admin(platform, postgres.DATABASE) as session:
        lapsed = f"{name.rpartition(' ')[0]} {PAST}"
        session.execute("UPDATE profiles SET display_name = %s WHERE slug = %s", [lapsed, slug])
    profiles.life(local, api(local))
    assert names(platform) == before


def _start_a_life(platform: Platform, folder: Path) -> subprocess.Popen[bytes]:
    """A whole run of the check in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "SMK-01"]
    with (folder / "out").open("wb") as output:
        return subprocess.Popen(
            [*command, f"--env={platform.environment}", str(ROOT / "checks" / "smoke")],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )


def _wait_for_a_profile(platform: Platform, before: dict[str, str]) -> tuple[str, str]:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        new = {slug: name for slug, name in names(platform).items() if slug not in before}
        if new:
            return new.popitem()
        time.sleep(0.05)
    raise AssertionError("no profile was made")


def test_only_ours_are_swept(platform: Platform, local: Environment) -> None:
    """Mark and lease must both be in our form, of our tenant, and over."""
    journey = "0123456789ab"
    lapsed = f"Synthetic {journey} changed, until {PAST}"
    ours = {f"synthetic-{journey}-1": lapsed}
    others = {
        f"synthetic-{journey}-2": f"Synthetic {journey} created, until {FUTURE}",
        f"synthetic-{journey}-3": "Somebody who chose this slug",
        "somebody": lapsed,
        f"elsewhere-{journey}-4": lapsed,
        "synthetic-ffffffffffff-5": lapsed,
    }
    before = names(platform)
    for slug, name in (ours | others).items():
        insert(platform, slug, name)
    profiles.life(local, api(local))
    assert names(platform) == before | others


def test_every_run_of_a_journey_sweeps(platform: Platform, local: Environment) -> None:
    """Also one that asks for something else, so that no lapsed profile depends on one check."""
    before = names(platform)
    insert(platform, "synthetic-0123456789ab-1", f"Synthetic 0123456789ab created, until {PAST}")
    assert profiles.search(local, api(local)).status == 200
    assert names(platform) == before


def test_with_a_kept_profile_none_is_made(platform: Platform, local: Environment) -> None:
    """Search and subscription are asked for it."""
    with postgres.admin(platform, postgres.DATABASE) as session:
        row = session.execute("SELECT profile_id FROM subscriptions WHERE tier = 'PRO'").fetchone()
    assert row is not None
    assert local.synthetic is not None
    kept = local.model_copy(update={"synthetic": local.synthetic.model_copy(update={"profile": str(row[0])})})
    for journey in (profiles.search, profiles.subscription):
        seen = journey(kept, api(kept))
        text = "".join(one.text for one in seen.evidence)
        assert (seen.status, seen.defects) == (200, ())
        assert "/v1/profiles\n" not in text
        assert str(row[0]) in text


def test_a_long_list_is_read_from_both_ends(platform: Platform, local: Environment) -> None:
    """A new profile is found among more than are read."""
    with postgres.admin(platform, postgres.DATABASE) as session:
        session.execute(
            "INSERT INTO profiles (id, identity_id, slug, display_name)"
            " SELECT gen_random_uuid(), gen_random_uuid(), 'many-' || n, 'Many'"
            " FROM generate_series(1, 2500) AS n"
        )
    life = profiles.life(local, api(local))
    assert life.read == life.listed == life.written


def test_no_token_and_no_other_profile_is_evidence(platform: Platform, local: Environment) -> None:
    """What is kept of a life is about its own profile."""
    text = "".join(one.text for one in profiles.life(local, api(local)).evidence)
    assert "eyJ" not in text
    names_of_others = [name for name in names(platform).values() if not name.startswith("Synthetic")]
    assert [name for name in names_of_others if name in text] == []
