"""What a check says about itself: the keywords of its `@pytest.mark.check(...)`.

The marker is the only place for this metadata. Stages, Allure labels, the plan, docs/checks.md
and the runbook coverage are all computed from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from opsverify.runbook import anchors, slugs

Stage = Literal[
    "pre_deploy",
    "post_deploy",
    "nightly",
    "weekly",
    "monthly",
    "pre_maintenance",
    "post_maintenance",
    "pre_rollback",
    "incident",
    "post_incident",
    "security_incident",
    "onboarding",
    "load",
]
STAGES: tuple[Stage, ...] = get_args(Stage)

SETTLING_STAGES: frozenset[Stage] = frozenset({"post_deploy", "post_maintenance"})
"""Stages that follow a change: the platform gets time to settle before it is judged."""

Severity = Literal["blocker", "critical", "normal"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the gravest to the mildest. Blocker and critical stop a deployment, normal warns."""

CHECK_ID = r"^[A-Z][A-Z0-9]*-\d{2}$"
SUBJECT = r"^[a-z0-9._-]+$"
NONE_DECLARED = "none-declared"
"""The subject of the one item that stands for a noun which the environment does not declare."""


def graver(one: Severity, other: Severity) -> Severity:
    """The graver of two severities."""
    return min(one, other, key=SEVERITIES.index)


def check_name(check: str, subject: str | None) -> str:
    """The one name of a check on a subject, everywhere: `HLT-02[api]`, or `HLT-02` without one."""
    return check if subject is None else f"{check}[{subject}]"


def did_you_mean(wrong: str, known: tuple[str, ...]) -> str:
    """A hint that names the nearest known word, or all of them when none is near."""
    near = get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(known)


class CheckMetadata(BaseModel):
    """The validated keywords of a check's marker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=CHECK_ID)]
    runbook: str
    """Anchor of the runbook's section that the check verifies."""
    severity: Severity
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    remedy: Annotated[str, Field(min_length=1)]
    """What the operator does next when the check is red."""
    covers: tuple[str, ...] = ()
    """Slugs of the runbook's items that it verifies, wholly or in part."""
    mutates: bool | Literal["synthetic"] = False
    """The check writes to the target: not asked on a protected environment. One that writes nothing but
    synthetic data is asked there when the environment names a synthetic tenant."""

    @field_validator("runbook")
    @classmethod
    def _is_an_anchor(cls, anchor: str) -> str:
        if anchor not in anchors():
            near = did_you_mean(anchor, tuple(sorted(anchors())))
            raise ValueError(f"the runbook has no section {anchor!r} ({near})")
        return anchor

    @field_validator("covers")
    @classmethod
    def _are_items(cls, covers: tuple[str, ...]) -> tuple[str, ...]:
        for slug in covers:
            if slug not in slugs():
                near = get_close_matches(slug, slugs(), n=1, cutoff=0.0)
                raise ValueError(f"the runbook has no item {slug!r} (did you mean {near[0]!r}?)")
        return covers


class BadMarker(Exception):
    """A check's marker is missing, incomplete or wrong; the text says what and where."""


def metadata_of(keywords: Mapping[str, object]) -> CheckMetadata:
    """Validate a marker's keywords.

    Raises:
        BadMarker: with one line for each wrong keyword.
    """
    try:
        return CheckMetadata.model_validate(keywords)
    except ValidationError as error:
        raise BadMarker("; ".join(_sentence(one["loc"], one["msg"]) for one in error.errors())) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    keyword = ".".join(str(part) for part in place)
    return f"{keyword}: {message.removeprefix('Value error, ')}"


def title_of(docstring: str | None) -> str:
    """The check's sentence: the first paragraph of its docstring, on one line.

    Raises:
        BadMarker: the check has no docstring.
    """
    if not docstring or not docstring.strip():
        raise BadMarker("a check needs a docstring: it is the sentence that the report shows")
    return re.sub(r"\s+", " ", docstring.strip().split("\n\n")[0])
