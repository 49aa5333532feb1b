"""A reference platform for the tests of this folder: one a process, up for the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsverify.environment import Environment
from opsverify.loading import load
from reference_platform import valkey
from reference_platform.lifecycle import down, up
from reference_platform.state import QUEUE_DATABASE, Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform, whole and without faults."""
    state = tmp_path_factory.mktemp("platform") / "state"
    yield up(state)
    down(state)


@pytest.fixture
def tasks_can_be_given(platform: Platform) -> None:
    """Tests give more tasks a minute than the orchestrator takes from one client: it counts anew."""
    with valkey.admin(platform, database=QUEUE_DATABASE) as client:
        for key in client.scan_iter("orchestrator:rate:*"):
            client.delete(key)


@pytest.fixture(scope="session")
def local(platform: Platform) -> Environment:
    """The environment that judges it."""
    return load(Path(platform.environment))
