"""How security incidents were handled, by their records: contained, eradicated, recovered, reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from opsverify.environment import Environment, IncidentRules, RecordsTable
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.moments import utc
from opsverify.probes.casebook import (
    all_due,
    chosen,
    found_in,
    listed,
    out_of_order,
    overview,
    record_of,
    review_by,
    unread_or_twice,
    where,
)
from opsverify.records import Incident, book


@dataclass(frozen=True, kw_only=True)
class Secured(Snapshot):
    """Whether the records of security incidents show all that their response takes."""

    missed: tuple[str, ...]
    """`INC-8: recovered from a backup taken after it was compromised`."""


def secured(environment: Environment, records: RecordsTable) -> Secured:
    """See what the records of security incidents do not show.

    Raises:
        CouldNotLook: the records cannot be read, or there is no incident of the id that was asked for, or
            stage security_incident was asked about another kind.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    judged = [one for one in chosen(environment, pages, now) if one.record.type == "security"]
    missed = unread_or_twice(environment, pages)
    if not judged and environment.asked.stage == "security_incident":
        if environment.asked.incident is not None:
            raise CouldNotLook(
                "records",
                f"incident {one_line(environment.asked.incident)!r} is no security incident by its record",
                remedy='Give its record the type "security", or name another with --incident=ID.',
            )
        missed.append("no security incident is on record")
    due = all_due(environment)
    missed += found_in(
        pages, judged, now, lambda one: response_missed(one, records.incidents, now, all_due=due)
    )
    return Secured(
        where=where(environment),
        missed=listed(missed),
        record=record_of(judged),
        evidence=(overview(judged, records.incidents, what="security incidents"),),
    )


def response_missed(
    incident: Incident, rules: IncidentRules, now: datetime, *, all_due: bool = False
) -> list[str]:
    """What of the response to a security incident its record does not show.

    A backup is known to be clean when it was taken before the compromise, so that time is needed too.
    Arguments as of `incidents.steps_missed`.
    """
    steps = [
        ("contained", incident.contained),
        ("eradicated", incident.eradicated),
        ("recovered", incident.recovered),
        ("verified", incident.verified),
    ]
    order = [("compromised", incident.compromised), ("detected", incident.detected), *steps]
    wrong = out_of_order(now, *order, ("closed", incident.closed))
    if incident.reviewed is not None:  # before it is closed, or after
        last = [(step, at) for step, at in order if at is not None][-1]
        late = out_of_order(now, last, ("reviewed", incident.reviewed))
        wrong += [one for one in late if one not in wrong]
    over = all_due or incident.closed is not None
    for number, (step, at) in enumerate(steps):
        later = any(then is not None for _, then in steps[number + 1 :]) or incident.reviewed is not None
        if at is None and (over or later):
            wrong.append(f"not {step}" if step != "verified" else "what was recovered is not verified")
    if over or incident.recovered is not None:
        wrong += _not_clean(incident)
    review_due = all_due or (incident.closed is not None and now > review_by(incident.closed, rules))
    if incident.reviewed is None and review_due:
        wrong.append("not reviewed")
    return wrong


def _not_clean(incident: Incident) -> Iterator[str]:
    backup, since = incident.backup, incident.compromised
    if backup is None:
        yield "not on record of when the backup is that was recovered from"
    if since is None:
        yield "not on record since when it was compromised, so no backup is known to be older"
    if backup is not None and since is not None and backup >= since:
        yield f"recovered from a backup of {utc(backup)}, taken after it was compromised ({utc(since)})"
