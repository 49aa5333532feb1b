"""What the suite itself costs a check, with looks that return at once, and how that grows.

Both runs are made at several sizes, and only what a further check adds is compared: what a process
takes to start counts for neither. Counted is processor time: with looks that return at once nothing
is waited for, and what else the machine does counts less. Results are written into memory where the
machine has such a folder: on a disk that others write to, a file takes ten times as long as at rest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from benchmarks.processes import Took, alternately, median_seconds, say
from benchmarks.runs import Gate, environment_of, trivial
from benchmarks.services import HEALTH, ROOT

SIZES = (100, 550, 1000)
"""Two spans of as many checks."""
ROUNDS = 5
OWN_MILLISECONDS_AT_MOST = 1
GROWTH_AT_MOST = 1.25
"""As strict as the same ratio between whole costs a check at 1000 and at 100, and less noisy.

With a cost of b·n + c·n² it allows c·n to come to a third of b at 1000 checks; the other to 0.29.
"""

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - only temporary folders with names of their own are made in it

CODE = ("src", "fixtures", "reports", "reference_platform", "conftest.py", "pyproject.toml")
"""What of the clone makes a gate, without its checks."""
INSTANT_LOOK = '''\
"""A look that takes no time, with evidence as long as that of a short HTTP answer."""

from fixtures.looks import look
from opsverify.environment import Environment, Service
from opsverify.evidence import Evidence
from opsverify.looking import Snapshot

ANSWER = "\\n".join(f"header-{number}: a value of some length" for number in range(8))


def glance(environment: Environment, service: Service) -> Snapshot:
    where = service.address(service.health)
    return Snapshot(where=where, evidence=(Evidence(f"GET {where}", f"GET {where}\\n\\n{ANSWER}"),))


glimpse = look(glance)
'''
INSTANT_CHECK = '''\
import pytest

from opsverify.looking import Snapshot


@pytest.mark.check(
    id="OWN-01",
    runbook="post-deployment-checklist",
    severity="blocker",
    stages=["post_deploy"],
    remedy="Nothing is to be done.",
)
def test_service_is_seen(glimpse: Snapshot) -> None:
    """Every service is seen."""
    assert glimpse.where != ""
'''


def own_cost() -> Figure:
    """Milliseconds that the suite adds to a check under pytest and allure-pytest."""
    smallest, _, largest = SIZES
    milliseconds = _own_milliseconds(smallest, largest)
    say(f"own cost {milliseconds:.2f} ms a check, from {smallest} to {largest} checks")
    return Figure("own-cost", milliseconds / OWN_MILLISECONDS_AT_MOST, 1)


def growth() -> Figure:
    """Cost of a further check among many over that of one among few: 1 when cost is linear."""
    few, many = (_own_milliseconds(smaller, larger) for smaller, larger in pairwise(SIZES))
    say(
        f"own cost of a further check: {few:.2f} ms from {SIZES[0]} to {SIZES[1]},"
        f" {many:.2f} ms from {SIZES[1]} to {SIZES[2]}"
    )
    return Figure("growth", many / few, GROWTH_AT_MOST)


def _own_milliseconds(smaller: int, larger: int) -> float:
    """What a check adds to a gate, less what it adds to trivial tests, between two sizes."""
    seconds = _processor_seconds()
    own = {size: seconds[f"gate {size}"] - seconds[f"trivial {size}"] for size in (smaller, larger)}
    return (own[larger] - own[smaller]) / (larger - smaller) * 1000


@lru_cache
def _processor_seconds() -> dict[str, float]:
    """Processor time of a gate and of as many trivial tests at each size: the median of several rounds."""
    in_memory = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=in_memory) as name:
        folder = Path(name)
        clone = _clone_with_one_check(folder / "clone")
        runs: dict[str, Callable[[], Took]] = {}
        for size in SIZES:
            runs[f"gate {size}"] = _instant_gate(clone, folder, size)
            runs[f"trivial {size}"] = trivial(folder, size)
        took = alternately(runs, times=ROUNDS)
    seconds = {which: median(one.processor_seconds for one in all_took) for which, all_took in took.items()}
    for which, of_processor in seconds.items():
        say(f"{which}: processor {of_processor:.2f} s, in all {median_seconds(took[which]):.2f} s")
    return seconds


def _clone_with_one_check(clone: Path) -> Path:
    """The clone's code as it is, with a check of its own in place of the clone's checks."""
    for name in CODE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("out", "__pycache__"))
        else:
            shutil.copy(ROOT / name, clone / name)
    checks = clone / "checks" / "own"
    checks.mkdir(parents=True)
    (checks / "conftest.py").write_text(INSTANT_LOOK, encoding="utf-8")
    (checks / "test_own.py").write_text(INSTANT_CHECK, encoding="utf-8")
    return clone


def _instant_gate(clone: Path, folder: Path, size: int) -> Gate:
    environment = folder / f"own-{size}.toml"
    services = [(HEALTH,)] * size
    environment.write_text(environment_of([9] * size, services), encoding="utf-8")
    return Gate(clone, environment, folder / f"own-report-{size}", size)
