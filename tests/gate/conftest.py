"""Fixtures of the suite's own tests: a platform, an environment file for it, and a copy of the suite."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.gates import Platform, Target
from tests.gate.hostile import copy_suite


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A healthy platform of one service."""
    running = Platform()
    yield running
    running.close()


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the suite with the five checks that these tests know; not to be changed."""
    return copy_suite(tmp_path_factory.mktemp("suite"))


@pytest.fixture
def target(tmp_path: Path, platform: Platform, suite: Path) -> Target:
    """An environment file for that platform: its service, and gaps for the stores it is without."""
    target = Target(tmp_path, platform.url, suite)
    target.declare()
    return target


@pytest.fixture
def target_of_copy(target: Target, suite: Path, tmp_path: Path) -> Target:
    """The same, judged by a copy of the suite, which the test may change."""
    target.suite = Path(shutil.copytree(suite, tmp_path / "suite"))
    return target
