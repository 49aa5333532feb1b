"""Which checks are red while a fault is in the platform, and how."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import TypedDict

from reference_platform.faults.model import Fault
from reference_platform.launching import CLONE


class Check(TypedDict):
    """A check on a subject, as it is collected."""

    name: str
    """`HLT-02[api]`."""
    area: str
    """The folder it stands in."""
    nouns: list[str]
    """What it looks at."""


class NotCollected(Exception):
    """The checks could not be collected; the text says why."""


def collected(environment: str = "local") -> list[Check]:
    """Every check on every subject, of all stages.

    Args:
        environment: whose subjects; needs neither its secrets nor the network.

    Raises:
        NotCollected: a check or the environment file is broken.
    """
    said = subprocess.run(
        [sys.executable, "-m", "fixtures.catalogue", f"--env={environment}", "--json"],
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode != 0:
        raise NotCollected(f"the checks cannot be collected:\n{said.stderr or said.stdout}")
    found: list[Check] = json.loads(said.stdout)
    return found


def expected(fault: Fault, checks: Iterable[Check]) -> dict[str, str]:
    """Outcome by name of every check that is neither passed nor gap while the fault is there."""
    blind = {check["name"] for check in checks if fault.verb.blinds & set(check["nouns"])}
    blind |= fault.blind
    outcomes = dict.fromkeys(blind - fault.failed, "could_not_look") | dict.fromkeys(fault.failed, "failed")
    return dict(sorted(outcomes.items()))
