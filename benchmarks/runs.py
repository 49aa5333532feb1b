"""The two runs that are compared: a gate, and as many trivial tests under pytest and allure-pytest."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import NotMeasured
from benchmarks.processes import Took, run, run_and_listen
from benchmarks.services import HEALTH, METRICS, READY

STAGE = "post_deploy"
CHECK = re.compile(r"^([A-Z][A-Z0-9]*-\d{2})\b", re.MULTILINE)
"""The id at the beginning of a line of the plan."""

PATHS = (HEALTH, READY, METRICS)
KEYS = ("health", "ready", "metrics")

TRIVIAL_PROJECT = """\
[tool.pytest]
addopts = ["--import-mode=importlib", "--disable-plugin-autoload", "-p", "xdist", "-p", "allure_pytest"]
"""
TRIVIAL_TESTS = '''\
import pytest


@pytest.mark.parametrize("subject", [f"s{{number}}" for number in range({count})])
def test_trivial(subject):
    """A test that takes no time."""
    assert subject
'''
ASKED = frozenset({"HLT-01", "HLT-02", "HLT-03"})
"""The checks that ask the three paths; all others of the stage are gaps here."""
GAP = """
[[gaps]]
check = "{check}"
reason = "BENCH: services only"
owner = "ops"
until = 9999-12-30
"""


def services_for(looks: int) -> list[tuple[str, ...]]:
    """The paths of each service, so that all together make so many looks: three each, the last fewer."""
    whole, rest = divmod(looks, len(PATHS))
    return [PATHS] * whole + ([PATHS[:rest]] if rest else [])


def environment_of(ports: list[int], services: Sequence[tuple[str, ...]]) -> str:
    """An environment file over services on these ports, with the paths that each of them has."""
    tables = ['schema = 1\nname = "bench"\nprotected = false']
    for number, (port, paths) in enumerate(zip(ports, services, strict=True)):
        has = {key: f'"{path}"' if path in paths else "false" for key, path in zip(KEYS, PATHS, strict=True)}
        lines = [f'name = "s{number:04}"', f'url = "http://127.0.0.1:{port}"']
        tables.append(
            "\n".join(["[[services]]", *lines, *(f"{key} = {value}" for key, value in has.items())])
        )
    return "\n\n".join(tables) + "\n"


def only_asked(clone: Path, environment: Path) -> None:
    """Write a gap into an environment file for every planned check that asks something else.

    Raises:
        NotMeasured: there is no plan.
    """
    _, plan = run_and_listen(
        ["-m", "pytest", f"--stage={STAGE}", f"--env={environment}", "--plan"], folder=clone
    )
    others = sorted(set(CHECK.findall(plan)) - ASKED)
    with environment.open("a", encoding="utf-8") as file:
        file.writelines(GAP.format(check=check) for check in others)


@dataclass(frozen=True)
class Gate:
    """A gate run over an environment file, as a process of its own."""

    clone: Path
    environment: Path
    report: Path
    looks: int
    """So many looks it must have asked, and so many checks must have passed."""

    def __call__(self) -> Took:
        """Run it once.

        Raises:
            NotMeasured: it did not say go, or it asked something else.
        """
        took = run(
            [
                "-m",
                "pytest",
                f"--stage={STAGE}",
                f"--env={self.environment}",
                f"--report={self.report}",
                "--settle=0",
            ],
            folder=self.clone,
        )
        verdict = json.loads((self.report / "gate.json").read_bytes())
        asked = (verdict["cost"]["looks"], verdict["counts"]["passed"])
        if asked != (self.looks, self.looks):
            raise NotMeasured(
                f"asked were {asked[0]} looks for {asked[1]} passed checks, not {self.looks} for as many"
            )
        return took


def trivial(folder: Path, count: int) -> Callable[[], Took]:
    """As many trivial tests in a project of their own, with the plugins that a gate loads."""
    project = folder / f"trivial-{count}"
    project.mkdir()
    (project / "pyproject.toml").write_text(TRIVIAL_PROJECT, encoding="utf-8")
    (project / "test_trivial.py").write_text(TRIVIAL_TESTS.format(count=count), encoding="utf-8")
    results = project / "results"

    def once() -> Took:
        shutil.rmtree(results, ignore_errors=True)
        return run(["-m", "pytest", f"--alluredir={results}"], folder=project)

    return once
