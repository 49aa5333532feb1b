"""How an environment is judged: limits, policy, gaps, waivers, severities."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field, StrictBool, field_validator, model_validator

from opsverify.check import CHECK_ID, Severity, Stage
from opsverify.environment.base import Name, Positive, Table, VariableName, Words


class Limits(Table):
    """What is still good. The unit and the direction are in each name."""

    health_at_most_seconds: Positive = 2
    ready_at_most_seconds: Positive = 5
    postgres_answer_at_most_seconds: Positive = 2
    metrics_at_most_seconds: Positive = 5
    redis_answer_at_most_seconds: Positive = 2
    llm_answer_at_most_seconds: Positive = 5
    step_at_most_seconds: Positive = 5
    """One request of a smoke test."""
    task_completes_at_most_seconds: Positive = 30
    page_renders_at_most_seconds: Positive = 15
    jwt_secret_at_least_characters: Annotated[int, Field(gt=0)] = 32
    clocks_differ_at_most_seconds: Annotated[float, Field(ge=0)] = 2
    """Between the database's clock and a service's. A process's start itself is known to a second."""
    failed_requests_at_most: Annotated[int, Field(ge=0)] = 0
    """While a deployment runs, of those that the availability recorder sent."""
    connections_at_most_percent: Annotated[float, Field(gt=0, le=100)] = 90
    """Of those that the server, the role or the database allows; so many are already too many."""
    session_idle_at_most_seconds: Positive = 10 * 60
    session_idle_in_incident_at_most_seconds: Positive = 5 * 60
    idle_in_transaction_at_most_seconds: Positive = 60
    query_at_most_seconds: Positive = 60
    lock_wait_at_most_seconds: Positive = 5
    sequential_scans_at_most: Annotated[int, Field(ge=0)] = 1000
    """Of a large table that is read by index less often than so."""
    large_table_at_least_rows: Annotated[int, Field(ge=1)] = 10_000
    unused_index_at_least_megabytes: Positive = 1
    """Smaller ones cost little, and the planner passes them over."""
    index_statistics_at_least_days_old: Positive = 7
    """Before that an index that was not used yet cannot be told from one that is not used."""
    statement_mean_at_most_milliseconds: Positive = 500
    statement_calls_at_least: Annotated[int, Field(ge=1)] = 10
    """A statement that ran less often has no mean to speak of."""
    slow_statement_logged_from_milliseconds: Positive = 1000
    dead_rows_at_most_percent: Annotated[float, Field(gt=0, le=100)] = 20
    """Of a table with at least `dead_rows_at_least` of them: autovacuum's own default threshold."""
    dead_rows_at_least: Annotated[int, Field(ge=1)] = 10_000
    transaction_age_at_most: Annotated[int, Field(ge=1)] = 500_000_000
    """Transactions since the oldest that is not frozen; the server stops writing at some 2.1 billion."""
    cache_hit_rate_at_least_percent: Annotated[float, Field(gt=0, le=100)] | None = None
    """No default: what is good depends on what is cached."""
    cache_lookups_at_least: Annotated[int, Field(ge=1)] = 100
    """Fewer have no rate to speak of."""
    cache_statistics_at_most_days_old: Positive = 7
    """Counted since longer ago they say nothing about now."""
    cache_memory_at_least_megabytes: Positive = 128
    jobs_pending_at_most: Annotated[int, Field(ge=1)] = 1000
    """So many are already too many."""
    oldest_job_at_most_seconds: Positive = 15 * 60
    wal_waits_at_most_seconds: Positive = 10 * 60
    """A segment that is to be archived."""
    archive_timeout_at_most_seconds: Positive = 60 * 60
    """After which a segment is archived that is not full."""


class Runbook(Table):
    """Where the runbook stands, and what is asked of it."""

    url: str | None = None
    """Address that a red line in the report links to; the anchor is appended."""
    file: Path | None = None
    """The document, in Markdown."""
    git: Words | None = None
    """Instead: its path in the repository of `[git]`, at its default branch."""
    inventory: Path | None = None
    """What it is compared with; None: the inventory of the runbook that this suite is about."""
    at_most_days_old: Positive | None = None
    """Since the day that its head names as that of its last change; where it names none and the document is
    read from git, since its last commit. None: its age is not judged."""
    check_links: StrictBool = False
    """Whether the addresses that it links to are asked; files and sections always are."""

    @model_validator(mode="after")
    def _names_one_place(self) -> Runbook:
        if self.file is not None and self.git is not None:
            raise ValueError("expected at most one of file, git")
        return self

    @property
    def name(self) -> str:
        """The subject's name."""
        return "runbook"

    @property
    def named(self) -> bool:
        """Whether there is a document to look at."""
        return self.file is not None or self.git is not None


class Notify(Table):
    """Who is told what, by the names of the variables that hold the addresses."""

    webhook_from: VariableName | None = None
    """Gets a notice on stop, as JSON with a `text`, which chat services understand."""
    heartbeat_from: VariableName | None = None
    """Is called after each nightly run: what watches it notices a nightly that never ran."""


class Masking(Table):
    """What is hidden beside the secrets."""

    patterns: tuple[str, ...] = ()
    """Regular expressions of personal data."""

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"expected regular expressions, {pattern!r} is none: {error}") from None
        return patterns


class LookingTable(Table):
    """How the suite itself looks: width and time bounds of its looks."""

    at_once: Annotated[int, Field(ge=1, le=512)] = 32
    deadline_seconds: Positive = 10
    """One look that takes longer is given up: could not look."""
    all_within_seconds: Positive = 55
    """All looks of a run together, beyond `--settle`; what is not asked by then could not be looked at."""


class StagePolicy(Table):
    """What the gate of one stage demands."""

    valid_for_minutes: Positive | None = None
    """How long a verdict holds, counted from the end of its oldest run."""
    break_glass: bool = False
    """Whether a break-glass record may turn stop into go."""


VALID_FOR_MINUTES: dict[Stage, float] = {
    "nightly": 26 * 60,
    "weekly": 8 * 24 * 60,
    "monthly": 32 * 24 * 60,
    "load": 32 * 24 * 60,
}
"""Validity of a verdict by stage: the audits until the next is due, with slack; the gates 30 minutes."""
GATE_VALID_FOR_MINUTES = 30.0


def end_of(until: date | datetime) -> datetime:
    """The first moment after `until`, UTC: the end of that day, or that time itself."""
    if not isinstance(until, datetime):
        until = datetime.combine(until, time.max, UTC)
    try:
        return until.astimezone(UTC) + timedelta(microseconds=1 if until.time() == time.max else 0)
    except OverflowError:  # the last day there is, and the first: for ever, and never
        return datetime.max.replace(tzinfo=UTC) if until.year > 1 else datetime.min.replace(tzinfo=UTC)


class Excuse(Table):
    """Why something is not as it should be, who answers for it, and until when."""

    subject: Name | None = None
    reason: Words
    owner: Words
    until: AwareDatetime | date
    """In force to the end of that day UTC, or to that time."""

    @field_validator("until", mode="before")
    @classmethod
    def _has_a_zone(cls, until: object) -> object:
        if isinstance(until, int | float) or (isinstance(until, datetime) and until.tzinfo is None):
            raise ValueError("expected a date (2027-03-31) or a time with its zone (2027-03-31T06:00:00Z)")
        return until


class Gap(Excuse):
    """Something this environment does not have and is not asked about."""

    without: str | None = None
    """A noun of the environment that is not declared."""
    check: Annotated[str, Field(pattern=CHECK_ID)] | None = None

    @model_validator(mode="after")
    def _names_one_thing(self) -> Gap:
        if (self.without is None) == (self.check is None):
            raise ValueError("expected either 'without' (a noun) or 'check' (an id)")
        return self


class Waiver(Excuse):
    """A check that may fail for a while: it warns instead of stopping."""

    check: Annotated[str, Field(pattern=CHECK_ID)]
    object: str | None = None
    """One offender inside an item; without it the whole item is waived."""


class SeverityOverride(Table):
    """This environment's own severity for a check. On a protected one it can only be raised."""

    check: Annotated[str, Field(pattern=CHECK_ID)]
    subject: Name | None = None
    severity: Severity
    reason: Words
