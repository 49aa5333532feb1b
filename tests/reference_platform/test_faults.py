"""Each fault makes the platform sick in the way it says, and is gone without trace when it is mended.

Whether the suite's checks see it is judged elsewhere; here the platform itself is asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from reference_platform.faults import FAULTS, TABLES, Fault, break_, broken_keys, fault, health, mend, red
from reference_platform.faults.verbs import stop
from reference_platform.lifecycle import down, on_demand, up
from reference_platform.state import Platform

WITHIN_SECONDS = 1.5
"""What takes longer is a symptom. The slow fault takes 2.5 s."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for all tests here; each leaves it well."""
    with on_demand(tmp_path_factory.mktemp("state") / "none") as running:
        yield running


def fetched(url: str) -> bytes:
    """The body of an answer 200 that came whole, in time.

    Raises:
        OSError, HTTPException: there is none.
    """
    began = time.monotonic()
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=WITHIN_SECONDS)) as connection:
        connection.request("GET", parts.path)
        with connection.getresponse() as response:
            body = b""
            while piece := response.read1(65536):
                body += piece
                if time.monotonic() - began > WITHIN_SECONDS or len(body) > 1_000_000:
                    raise HTTPException("it does not end")
            if response.status != 200:
                raise HTTPException(f"{response.status}")
    return body


def ask_postgres(platform: Platform) -> None:
    """Ask `SELECT 1`. Raises when that cannot be done."""
    psycopg.connect(platform.settings.dsn, connect_timeout=2).close()


def ask_redis(platform: Platform) -> None:
    """Ask PING. Raises when that cannot be done."""
    with redis.Redis.from_url(platform.settings.redis_url, socket_timeout=WITHIN_SECONDS) as client:
        client.ping()


def ask_metrics(url: str) -> None:
    """Read a metrics page. Raises when it is none."""
    families = list(text_string_to_metric_families(fetched(url).decode()))
    if not families:
        raise ValueError("no metrics")


def questions(platform: Platform) -> dict[str, Callable[[], object]]:
    """What can be asked of the platform, under the name of the check that asks it."""
    url = platform.settings.url
    asked: dict[str, Callable[[], object]] = {
        "HLT-01[api]": partial(fetched, url("api") + "/health"),
        "HLT-01[orchestrator]": partial(fetched, url("orchestrator") + "/health"),
        "HLT-01[web]": partial(fetched, url("web") + "/api/health"),
        "HLT-02[api]": partial(fetched, url("api") + "/ready"),
        "HLT-02[orchestrator]": partial(fetched, url("orchestrator") + "/ready"),
        "HLT-03[api]": partial(ask_metrics, url("api") + "/metrics"),
        "HLT-03[orchestrator]": partial(ask_metrics, url("orchestrator") + "/metrics"),
        "HLT-05[postgres]": partial(ask_postgres, platform),
        "HLT-06[redis]": partial(ask_redis, platform),
    }
    assert set(asked) == QUESTIONS
    return asked


def symptoms(platform: Platform) -> set[str]:
    """The questions that are not answered as they should be, all asked at the same time."""

    def is_well(question: Callable[[], object]) -> bool:
        try:
            question()
        except (OSError, HTTPException, ValueError, psycopg.Error, redis.RedisError):
            return False
        return True

    asked = questions(platform)
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = pool.map(is_well, asked.values())
    return {name for name, well in zip(asked, answers, strict=True) if not well}


def in_another_process(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the platform."""
    return subprocess.run(
        [sys.executable, "-m", "reference_platform", *words, "--state", str(platform.state)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


QUESTIONS = frozenset(
    {
        *("HLT-01[api]", "HLT-01[orchestrator]", "HLT-01[web]", "HLT-02[api]", "HLT-02[orchestrator]"),
        *("HLT-03[api]", "HLT-03[orchestrator]", "HLT-05[postgres]", "HLT-06[redis]"),
    }
)
SIMPLE = [one for one in health.FAULTS if one.failed <= QUESTIONS]
"""Faults that the questions here see whole; the suite's own checks judge all of them."""


@pytest.mark.parametrize("one", SIMPLE, ids=lambda one: one.key)
def test_a_fault_breaks_what_it_says_and_is_mended(platform: Platform, one: Fault) -> None:
    """Its checks' questions fail, others fail only where it blinds, and all is well afterwards."""
    blind = {name for name in questions(platform) if name[7:-1] in one.verb.blinds}

    with one.applied(platform):
        seen = symptoms(platform)

    assert one.failed <= seen
    assert seen - one.failed <= blind
    assert symptoms(platform) == set()
    assert broken_keys(platform) == []


@pytest.mark.parametrize("one", health.FAULTS, ids=lambda one: one.key)
def test_undoing_what_was_not_done_does_no_harm(platform: Platform, one: Fault) -> None:
    """A `break` that was cut off is mended like any other."""
    (platform.state / "broken.json").write_text(json.dumps([one.key]))

    assert mend(platform) == [one.key]

    assert symptoms(platform) == set()


def test_two_faults_at_once_are_mended_one_by_one(platform: Platform) -> None:
    """Each is undone by itself; the other stays."""
    break_(platform, fault("HLT-03:truncated"))
    break_(platform, fault("HLT-01:endless"))
    assert symptoms(platform) == {"HLT-01[api]", "HLT-03[api]"}

    assert mend(platform, fault("HLT-03:truncated")) == ["HLT-03:truncated"]
    assert symptoms(platform) == {"HLT-01[api]"}
    assert mend(platform) == ["HLT-01:endless"]
    assert symptoms(platform) == set()


def test_breaking_and_mending_from_other_processes(tmp_path: Path) -> None:
    """`break` in one process, `mend` in another, on a platform that a third one brought up."""
    state = tmp_path / "state"
    platform = up(state)
    try:
        assert in_another_process(platform, "break", "HLT-06").returncode == 0
        assert "HLT-06[redis]" in symptoms(platform)
        assert "broken: HLT-06:stopped" in in_another_process(platform, "status").stdout
        assert "already" in in_another_process(platform, "break", "HLT-06:stopped").stderr
        assert "HLT-06:stopped" in in_another_process(platform, "mend").stderr
        assert symptoms(platform) == set()
        assert "nothing was broken" in in_another_process(platform, "mend").stderr
    finally:
        down(state)


@pytest.mark.parametrize("name", ["HLT-05:hangs", "HLT-06:hangs", "HLT-01:hangs", "HLT-05:slots used up"])
def test_a_sick_platform_can_be_taken_down(tmp_path: Path, name: str) -> None:
    """Frozen processes do not keep it, and the helpers of a fault go with it."""
    state = tmp_path / "state"
    platform = up(state)
    break_(platform, fault(name))

    assert down(state)

    assert not platform.running
    assert not platform.entry.folder.exists()


def test_unknown_faults_and_platforms_are_named(tmp_path: Path) -> None:
    """An unknown fault is wrong usage, with the nearest; a platform that is not up is said."""
    command = [sys.executable, "-m", "reference_platform", "--state", str(tmp_path)]
    unknown = subprocess.run(
        [*command[:3], "break", "HLT-05:stoped", *command[3:]], capture_output=True, text=True, check=False
    )
    absent = subprocess.run(
        [*command[:3], "break", "HLT-05", *command[3:]], capture_output=True, text=True, check=False
    )

    assert unknown.returncode == 4
    assert "'HLT-05:stopped'" in unknown.stderr
    assert absent.returncode == 1
    assert "nothing is up" in absent.stderr


def test_every_fault_has_a_name_of_its_own() -> None:
    """None hides another, and an id alone means its check's first."""
    assert len(FAULTS) == sum(len(table) for table in TABLES)
    assert fault("HLT-05").key == "HLT-05:stopped"


def test_what_is_blind_follows_from_the_nouns() -> None:
    """A check on a noun that the fault blinds could not look, unless the fault says it failed."""
    checks: list[red.Check] = [
        {"name": "HLT-01[api]", "area": "health", "nouns": ["api"]},
        {"name": "HLT-03[api]", "area": "health", "nouns": ["api"]},
        {"name": "SMK-01", "area": "health", "nouns": ["synthetic", "api"]},
        {"name": "HLT-03[orchestrator]", "area": "health", "nouns": ["orchestrator"]},
    ]

    stopped = Fault("HLT-01", "stopped", stop("api"), frozenset({"HLT-01[api]", "HLT-02[api]"}))
    assert red.expected(stopped, checks) == {
        "HLT-01[api]": "failed",
        "HLT-02[api]": "failed",
        "HLT-03[api]": "could_not_look",
        "SMK-01": "could_not_look",
    }
