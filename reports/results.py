"""Reading what a run left behind: run.json, the Allure results, and the judgement in each of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from opsverify.check import check_name
from reports.run import RUN_FILE, Excepted, Record, Run

CHECK_LABEL = "check"
SUBJECT_LABEL = "subject"
JUDGEMENT = "judgement"
"""Name of the hidden parameter that carries what a check compared."""


class Cause(Record):
    """Why something could not be looked at, or does not answer: checks with the same one are grouped."""

    where: str
    why: str


class Judgement(Record):
    """What a check saw and compared, as its Allure result carries it."""

    where: str | None = None
    seen: str | None = None
    expected: str | None = None
    cause: Cause | None = None
    remedy: str | None = None
    """What makes the look possible, where that is known better than by the check's own remedy."""
    looks: int = 0
    measures: dict[str, float] = Field(default_factory=dict)
    """What was measured on the way, unit in the name, for plots over the kept runs."""
    taken_at: datetime | None = None
    record: str | None = None
    excepted: list[Excepted] = Field(default_factory=list)
    """Offenders that were there, and that a waiver excepts."""


@dataclass(frozen=True)
class Result:
    """One Allure result of a check."""

    check: str
    subject: str | None
    status: str
    """passed, failed, broken, skipped or unknown."""
    message: str
    seconds: float
    judgement: Judgement | None

    @property
    def name(self) -> str:
        """`HLT-02[api]`."""
        return check_name(self.check, self.subject)


@dataclass
class RunResults:
    """A results folder as it was found."""

    folder: Path
    run: Run | None
    results: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What could not be read, a sentence each."""


def read(folder: Path) -> RunResults:
    """Read a results folder, or the report folder around it. Nothing is raised: what is wrong is listed."""
    if not (folder / RUN_FILE).exists() and (folder / "results").is_dir():
        folder = folder / "results"
    found = RunResults(folder, None)
    found.run = _read_run(folder, found.problems)
    for file in sorted(folder.glob("*-result.json")):
        try:
            found.results.append(_read_result(file))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            found.problems.append(f"{file.name} cannot be read as an Allure result ({type(error).__name__})")
    return found


def _read_run(folder: Path, problems: list[str]) -> Run | None:
    if not folder.is_dir():
        problems.append(f"{folder} is no folder of results")
        return None
    file = folder / RUN_FILE
    try:
        return Run.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        problems.append(f"{folder} has no {RUN_FILE}: nothing says what was planned")
    except OSError as error:
        problems.append(f"{file} cannot be read: {error.strerror}")
    except RecursionError:
        problems.append(f"{file} cannot be read: it is nested too deeply")
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        problems.append(f"{file} cannot be read: {place}: {first['msg']}")
    return None


def _read_result(file: Path) -> Result:
    table: dict[str, Any] = json.loads(file.read_bytes())
    labels = {label["name"]: label["value"] for label in table.get("labels", [])}
    details = table.get("statusDetails") or {}
    return Result(
        check=labels.get(CHECK_LABEL) or f"{table.get('fullName', file.name)}",
        subject=labels.get(SUBJECT_LABEL),
        status=str(table.get("status", "unknown")),
        message=str(details.get("message") or ""),
        seconds=max(0, table.get("stop", 0) - table.get("start", 0)) / 1000,
        judgement=_read_judgement(table.get("parameters", [])),
    )


def _read_judgement(parameters: list[dict[str, str]]) -> Judgement | None:
    for parameter in parameters:
        if parameter["name"] == JUDGEMENT:
            quoted = parameter["value"]  # Allure puts text between single quotes
            return Judgement.model_validate_json(quoted[1:-1])
    return None
