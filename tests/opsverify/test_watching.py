"""The availability recorder: an open loop that counts every request, and the check that reads its record."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsverify.looking import CouldNotLook
from opsverify.moments import between
from opsverify.probes.availability import Downtime, downtime
from opsverify.records import Availability, parse
from opsverify.watching import Tally, Watched, watch
from tests.opsverify.recordkeeping import People
from tests.opsverify.stub import Asked, Told, serving

STARTED = datetime(2026, 11, 24, 9, tzinfo=UTC)
"""When the deployment of these tests began; it took a minute."""


def watched(url: str, *, beats: int, every: float = 0.02, within: float = 5) -> Tally:
    """Watch an address for so many beats."""

    async def record() -> Tally:
        return await watch(
            [Watched(url)], every=every, within=within, at_most=(beats - 0.5) * every, until=asyncio.Event()
        )

    return asyncio.run(record())


def test_every_request_is_counted() -> None:
    """Those that failed by what went wrong, with their span."""
    answers = iter(range(1000))

    def answer(_: Asked) -> Told:
        return Told(503 if next(answers) in (3, 4) else 200)

    with serving(answer) as url:
        tally = watched(url, beats=10)

    assert (tally.asked, tally.failed) == (10, 2)
    ((_, why),) = tally.failures
    assert why == "status 503"
    (failures,) = tally.failures.values()
    assert failures.times == 2
    assert failures.first < failures.last


def test_a_stall_costs_all_that_fall_into_it() -> None:
    """An open loop goes on asking while nothing answers; a closed one would have asked once."""
    over = threading.Event()
    with serving(lambda _: Told(wait_for=over)) as url:
        tally = watched(url, beats=15, within=0.2)
        over.set()

    assert (tally.asked, tally.failed) == (15, 15)
    assert {why for _, why in tally.failures} == {"no answer in 0.2 s"}


def test_a_port_that_refuses_is_a_failure() -> None:
    """And is said in the operator's words."""
    with serving(lambda _: Told()) as url:
        gone = url
    tally = watched(gone, beats=3)

    assert (tally.asked, tally.failed) == (3, 3)
    assert {why for _, why in tally.failures} == {"the connection was refused"}


def test_the_sorts_of_failures_are_bounded() -> None:
    """A target cannot fill a record with reasons."""
    tally = Tally(STARTED, STARTED)
    for number in range(500):
        tally.fail("u", f"status {number}", STARTED)

    assert tally.failed == 500
    assert len(tally.failures) == 51
    assert sum(one.times for one in tally.failures.values()) == 500


@pytest.mark.parametrize("ended_by", ["SIGTERM", "the end of its time"])
def test_the_command_writes_what_it_saw(tmp_path: Path, ended_by: str) -> None:
    """When it is told to end, and by itself; the record is one that the check reads."""
    ready = tmp_path / "ready"
    at_most = "--at-most=60" if ended_by == "SIGTERM" else "--at-most=1.5"
    with serving(lambda _: Told()) as url:
        recorder = subprocess.Popen(
            [
                *(sys.executable, "-m", "opsverify", "watch", f"--url={url}/x", "--who=ops", "--release=v2"),
                *(f"--folder={tmp_path}", f"--ready={ready}", "--every=0.05", at_most),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if ended_by == "SIGTERM":
            while not ready.exists() and recorder.poll() is None:
                threading.Event().wait(0.01)
            recorder.terminate()
        said, _ = recorder.communicate(timeout=30)

    assert recorder.returncode == 0
    (file,) = tmp_path.rglob("availability/*.toml")
    record = parse(file.read_bytes(), file.name)
    assert isinstance(record, Availability)
    assert (record.release, record.failed, record.urls) == ("v2", 0, (f"{url}/x",))
    assert record.asked >= 10
    assert f"{record.asked} requests, 0 failed, {record.late} late" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--every=0", "--url=http://127.0.0.1:1"],
        [],
        ["--url=http://a", "--at-most=nan"],
        ["--url=http://a", "--every=6"],
    ],
)
def test_wrong_use_is_said(tmp_path: Path, arguments: list[str]) -> None:
    """Exit code 4, and nothing is written."""
    command = [sys.executable, "-m", "opsverify", "watch", "--who=x", f"--folder={tmp_path}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 4
    assert "expected a" in done.stderr
    assert list(tmp_path.iterdir()) == []


def seen(people: People) -> Downtime:
    """What the check is shown."""
    environment = people.environment()
    assert environment.records is not None
    return downtime(environment, environment.records)


def deployed(people: People) -> None:
    """Put the deployment of a minute on record."""
    people.write(
        "deployment.toml",
        kind="deployment",
        state="deployed",
        release="v2",
        started=STARTED,
        ended=STARTED + timedelta(minutes=1),
    )


def recorded(people: People, **changed: object) -> None:
    """Put a recording on record that covers it, but for what is changed."""
    whole = {
        "started": STARTED - timedelta(seconds=10),
        "ended": STARTED + timedelta(seconds=80),
        "every_seconds": 0.5,
        "asked": 180,
        "failed": 0,
        "urls": ["https://x"],
    }
    people.write("availability.toml", kind="availability", **(whole | changed))


@pytest.fixture
def people(tmp_path: Path) -> People:
    """Records with one deployment."""
    made = People(tmp_path / "state")
    deployed(made)
    return made


def test_a_recording_that_covers_the_deployment_is_judged(people: People) -> None:
    """With what failed, and the record for the report."""
    failure = {"url": "https://x", "why": "refused", "times": 3, "first": STARTED, "last": STARTED}
    recorded(people, failed=3, failures=[failure])

    found = seen(people)

    assert (found.failed, found.unrecorded) == (3, ())
    assert found.failures == (f"3 × refused ({between(STARTED, STARTED)})",)
    assert (found.record or "").startswith("availability.toml: ops, ")


@pytest.mark.parametrize(
    "changed",
    [
        {"started": STARTED + timedelta(seconds=1)},
        {"ended": STARTED + timedelta(seconds=59)},
        {"release": "v1"},
    ],
)
def test_a_recording_that_does_not_cover_it_is_none(people: People, changed: dict[str, object]) -> None:
    """Begun too late, ended too early, of another release."""
    recorded(people, **changed)

    assert seen(people).unrecorded == (
        "no recording covers the deployment of v2 (2026-11-24 09:00:00 – 09:01:00 UTC)",
    )


def test_a_recording_of_another_environment_is_none(people: People) -> None:
    """That somebody else's service answered shows nothing."""
    recorded(people)
    environment = people.environment('[[services]]\nname = "api"\nurl = "http://127.0.0.1:3001"\n')
    assert environment.records is not None

    assert downtime(environment, environment.records).unrecorded != ()


@pytest.mark.parametrize("asked", [0, 150])
def test_a_recorder_that_was_starved_shows_nothing(people: People, asked: int) -> None:
    """Too few requests for its time are no proof that none failed."""
    recorded(people, asked=asked)

    with pytest.raises(CouldNotLook, match=f"the recorder sent {asked} of the 162 requests"):
        seen(people)


def test_the_worst_of_several_recordings_counts(people: People) -> None:
    """A second one from a better place does not hide it."""
    recorded(people, failed=2)
    text = (people.records / "availability.toml").read_text()
    recorded(people)
    (people.records / "first.toml").write_text(text)

    assert tomllib.loads(text)["failed"] == 2
    assert seen(people).failed == 2
