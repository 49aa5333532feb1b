"""What is attested of an engineer before they are on call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsverify.environment import Environment, RecordsTable
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes.casebook import listed
from opsverify.records import Attestation, Book, Roster, book
from opsverify.records.incidents import is_nobody


@dataclass(frozen=True, kw_only=True)
class Attested(Snapshot):
    """Whether all that an engineer needs beside access is on record."""

    missing: tuple[str, ...]
    """`has read the runbook: not on record for engineer new-engineer`."""


def attested(environment: Environment, records: RecordsTable) -> Attested:
    """See which items of onboarding are not on record, for the engineer who was asked for.

    Without a stage, for all engineers: those of whom something is attested, and who are on call.

    Raises:
        CouldNotLook: the records cannot be read, or nobody is named.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    missing: list[str] = []
    kept = []
    engineers = _engineers(environment, pages, now)
    for engineer in engineers:
        for item in records.onboarding.items:
            proof = pages.proof(item, now, engineer=engineer)
            if proof.missing is not None:
                about = "" if engineer in proof.missing else f"{engineer}: "
                missing.append(one_line(f"{about}{proof.missing}", at_most=400))
            if proof.kept is not None:
                kept.append(proof.kept)
    return Attested(
        where=f"onboarding of {', '.join(map(one_line, engineers))}"[:200],
        missing=listed(missing),
        record="; ".join(map(str, kept))[:1_000] or None,
        evidence=tuple(one.evidence for one in kept[:20]),
    )


def require_engineer(environment: Environment) -> str | None:
    """The engineer whom a run is about; None outside the stage that is about one.

    Raises:
        CouldNotLook: the stage is onboarding, and nobody is named.
    """
    if environment.asked.engineer is not None:
        return environment.asked.engineer
    if environment.asked.stage == "onboarding":
        raise CouldNotLook(
            "engineer", "nobody is named who joins", remedy="Say whom it is about: --engineer=NAME."
        )
    return None


def _engineers(environment: Environment, pages: Book, now: datetime) -> list[str]:
    asked = require_engineer(environment)
    if asked is not None:
        return [asked]
    named = [one.record.engineer for one in pages.of(Attestation)]
    rosters = pages.counting(Roster, now)[:1]
    named += [shift.who for one in rosters for shift in one.record.shifts]
    found = sorted({one for one in named if one is not None and not is_nobody(one)})
    if not found:
        raise CouldNotLook(
            "engineer",
            "no engineer is on record",
            remedy="Record what is attested of them, or name one with --engineer=NAME.",
        )
    return found
