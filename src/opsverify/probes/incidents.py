"""How incidents were handled, by their records: the seven steps of their commander.

A step that is not due yet is not missed. Times are on the runbook for the first step and the last; those
between are due with the next step that is on record, at the latest when the incident is closed. A run of
stage post_incident that names an incident asks for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsverify.environment import Environment, IncidentRules, RecordsTable
from opsverify.evidence import one_line
from opsverify.looking import Snapshot
from opsverify.moments import span, utc
from opsverify.probes.casebook import (
    all_due,
    business_days,
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
from opsverify.records.book import CLOCKS_DIFFER_BY
from opsverify.records.incidents import is_blank, is_nobody


@dataclass(frozen=True, kw_only=True)
class Handled(Snapshot):
    """Whether the records of incidents show all that their commander has to do."""

    missed: tuple[str, ...]
    """`INC-7: acknowledged 80 min after detection, expected 15 min (SEV1)`."""


def handled(environment: Environment, records: RecordsTable) -> Handled:
    """See which of the commander's steps the records of incidents do not show.

    Raises:
        CouldNotLook: the records cannot be read, or there is no incident of the id that was asked for.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    judged = chosen(environment, pages, now)
    due = all_due(environment)
    missed = unread_or_twice(environment, pages)
    missed += found_in(pages, judged, now, lambda one: steps_missed(one, records.incidents, now, all_due=due))
    return Handled(
        where=where(environment),
        missed=listed(missed),
        record=record_of(judged),
        evidence=(overview(judged, records.incidents),),
    )


def steps_missed(
    incident: Incident, rules: IncidentRules, now: datetime, *, all_due: bool = False
) -> list[str]:
    """What of the commander's seven steps a record does not show.

    Args:
        incident: the record.
        rules: of the environment.
        now: the present moment.
        all_due: nothing has time any more.
    """
    wrong = out_of_order(
        now,
        ("detected", incident.detected),
        ("acknowledged", incident.acknowledged),
        ("mitigated", incident.mitigated),
        ("closed", incident.closed),
    )
    over = all_due or incident.closed is not None
    return [
        *wrong,
        *_acknowledging(incident, rules, now, over=over),
        *_informing(incident, rules, now, over=over),
        *(_mending(incident, now) if over else ()),
        *_reviewing(incident, rules, now, all_due=all_due),
    ]


def acknowledged_by(incident: Incident, rules: IncidentRules) -> tuple[datetime, str]:
    """Until when an incident has to be acknowledged, and in words. An unknown severity is the gravest."""
    severity = incident.severity or "SEV1"
    minutes = rules.acknowledged_within_minutes.get(severity)
    shown = incident.severity or "severity unknown, so as SEV1"
    if minutes is None:
        by = business_days(rules).next_one_ends(incident.detected)
        return by, f"by the end of the next business day ({shown})"
    return incident.detected + timedelta(minutes=minutes), f"within {_minutes(minutes)} ({shown})"


def _acknowledging(incident: Incident, rules: IncidentRules, now: datetime, *, over: bool) -> Iterator[str]:
    by, words = acknowledged_by(incident, rules)
    at = incident.acknowledged
    if at is None:
        if over or now > by:
            yield f"not acknowledged, expected {words}"
        return
    if at > by:
        yield f"acknowledged {span(at - incident.detected)} after detection, expected {words}"
    if is_blank(incident.acknowledged_in):
        yield f"acknowledged, but not on record where, expected in {rules.channel}"
    elif _channel(str(incident.acknowledged_in)) != _channel(rules.channel):
        yield f"acknowledged in {one_line(str(incident.acknowledged_in))}, expected in {rules.channel}"


def _informing(incident: Incident, rules: IncidentRules, now: datetime, *, over: bool) -> Iterator[str]:
    """Severity and impact, a status update, an assignee."""
    if not (over or incident.mitigated is not None or now > _informed_by(incident, rules)):
        return
    if incident.severity is None:
        yield "no severity"
    if is_blank(incident.impact):
        yield "no impact"
    ended = incident.closed or now + CLOCKS_DIFFER_BY
    told = [one for one in incident.updates if not is_blank(one.text)]
    if not told:
        yield "no status update"
    elif not any(incident.detected <= one.at <= ended for one in told):
        yield "no status update between its detection and its end"
    if is_nobody(incident.assignee):
        yield "no assignee"


def _mending(incident: Incident, now: datetime) -> Iterator[str]:
    if incident.mitigated is None:
        yield "not mitigated"
    elif is_blank(incident.mitigation):
        yield "not on record how it was mitigated"
    if incident.closed is None:
        yield "not closed"
    run = incident.green_run
    if run is None:
        yield "no green run before it was closed"
        return
    if is_blank(incident.green_link):
        yield "its green run has no link"
    if incident.mitigated is not None and run < incident.mitigated:
        yield f"its green run ({utc(run)}) was before the mitigation ({utc(incident.mitigated)})"
    if run > (incident.closed or now + CLOCKS_DIFFER_BY):
        yield f"its green run ({utc(run)}) was after it was closed"


def _reviewing(incident: Incident, rules: IncidentRules, now: datetime, *, all_due: bool) -> Iterator[str]:
    closed, review = incident.closed, incident.review_scheduled
    within = f"within {rules.reviewed_within_hours:g} h of closing"
    if review is None:
        if all_due or (closed is not None and now > review_by(closed, rules)):
            yield f"no review scheduled, expected {within}"
    elif closed is not None and review > review_by(closed, rules):
        yield f"review scheduled {span(review - closed)} after closing, expected {within}"
    elif review < (closed or incident.detected):
        yield f"review scheduled {utc(review)}, before the incident ended"


def _informed_by(incident: Incident, rules: IncidentRules) -> datetime:
    by, _ = acknowledged_by(incident, rules)
    start = incident.acknowledged or by
    severity = incident.severity or "SEV1"
    minutes = rules.informed_within_minutes.get(severity, rules.acknowledged_within_minutes.get(severity))
    if minutes is None:
        return business_days(rules).next_one_ends(start)
    return start + timedelta(minutes=minutes)


def _channel(name: str) -> str:
    return name.strip().lstrip("#").casefold()


def _minutes(minutes: float) -> str:
    return f"{minutes / 60:g} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes:g} min"
