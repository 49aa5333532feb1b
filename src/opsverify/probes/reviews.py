"""What was learnt from incidents: their post-mortems, and whether what they ask for gets done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import PurePosixPath

from opsverify.environment import Environment, IncidentRules, RecordsTable
from opsverify.evidence import Evidence, one_line
from opsverify.looking import Snapshot
from opsverify.moments import utc
from opsverify.probes.casebook import all_due, business_days, chosen, listed, review_by
from opsverify.records import Action, Book, Incident, Kept, PostMortem, book
from opsverify.records.book import CLOCKS_DIFFER_BY
from opsverify.records.incidents import is_blank, is_nobody

IN_ORDER = (
    ("detected", "time of detection"),
    ("acknowledged", "time of acknowledgement"),
    ("cause_found", "time at which the cause was found"),
    ("mitigated", "time of mitigation"),
    ("restored", "time of restoration"),
    ("resolved", "time of resolution"),
)
"""The times of a post-mortem, and what each is called where it is missing."""


@dataclass(frozen=True, kw_only=True)
class Learnt(Snapshot):
    """Whether incidents have complete post-mortems."""

    incomplete: tuple[str, ...]
    """`INC-7 (post-mortems/INC-7.md): no cause; action "raise the limit" has no owner`."""
    overdue: tuple[str, ...]
    """`INC-7: "raise the limit", owner service-owner, was due 2026-11-20`."""


def learnt(environment: Environment, records: RecordsTable) -> Learnt:
    """See whether closed incidents have post-mortems, what these lack, and which actions are overdue.

    Actions are looked at in all post-mortems, however old, unless the run names an incident.

    Raises:
        CouldNotLook: the records cannot be read, or there is no incident of the id that was asked for.
    """
    now = datetime.now(UTC)
    pages = book(environment)
    rules = records.incidents
    judged = chosen(environment, pages, now)
    by_incident, strangers = _by_incident(pages)
    asked = environment.asked.incident
    everything = all_due(environment)
    incomplete = pages.bad_of(PostMortem)
    for kept in judged:
        own = by_incident.get(kept.record.id, [])
        if _is_due(kept.record, own, rules, now, everything=everything):
            incomplete += list(_lacking(pages, kept.record, own, now))
    since = business_days(rules).day_of(now - timedelta(days=rules.look_back_days))
    if asked is None:
        incomplete += [
            f"{_name(one)}: its incident is not on record"
            for one in strangers
            if (one.record.date or since) >= since
        ]
    looked_at = pages.of(PostMortem) if asked is None else by_incident.get(asked, [])
    today = business_days(rules).day_of(now)
    overdue = [late for one in looked_at for late in _overdue(one, today)]
    return Learnt(
        where="post-mortems" if asked is None else f"post-mortem of incident {one_line(asked, at_most=80)}",
        incomplete=listed(incomplete),
        overdue=listed(overdue),
        record=str(looked_at[0]) if len(looked_at) == 1 else None,
        evidence=(_overview(looked_at, judged),),
    )


def lacks(review: PostMortem, now: datetime) -> list[str]:
    """What a post-mortem lacks, and which of its times are not in order.

    Args:
        review: the post-mortem.
        now: the present moment.
    """
    return [*_head(review), *_times(review, now), *_impact(review), *_actions(review), *_lessons(review)]


def _head(review: PostMortem) -> Iterator[str]:
    if review.date is None:
        yield "no date"
    if review.duration_minutes is None:
        yield "no duration"
    if review.severity is None:
        yield "no severity"
    if is_nobody(review.commander):
        yield "no incident commander"
    if is_blank(review.summary):
        yield "no summary"
    if is_blank(review.cause):
        yield "no cause"


def _times(review: PostMortem, now: datetime) -> Iterator[str]:
    times: list[tuple[str, datetime | None]] = [(name, getattr(review, name)) for name, _ in IN_ORDER]
    for (_, words), (_, at) in zip(IN_ORDER, times, strict=True):
        if at is None:
            yield f"no {words}"
    there = [(name.replace("_", " "), at) for name, at in times if at is not None]
    for (earlier, before), (name, at) in pairwise(there):
        if at < before:
            yield f"{name} ({utc(at)}) before {earlier} ({utc(before)})"
    if any(at > now + CLOCKS_DIFFER_BY for _, at in there):
        yield "times that lie in the future"


def _impact(review: PostMortem) -> Iterator[str]:
    for text, words in (
        (review.users, "users affected"),
        (review.revenue, "revenue impact"),
        (review.data_loss, "data loss"),
    ):
        if is_blank(text):
            yield f"nothing on {words}"


def _actions(review: PostMortem) -> Iterator[str]:
    if not review.actions:
        yield "no action"
    for action in review.actions:
        lacking = [
            words
            for missing, words in (
                (is_blank(action.what), "words"),
                (is_nobody(action.owner), "owner"),
                (action.due is None, "due date"),
            )
            if missing
        ]
        if lacking:
            yield f"action {_quoted(action)} has no {' and no '.join(lacking)}"


def _lessons(review: PostMortem) -> Iterator[str]:
    if is_blank(review.went_well):
        yield "no lesson on what went well"
    if is_blank(review.could_improve):
        yield "no lesson on what could improve"


def _by_incident(pages: Book) -> tuple[dict[str, list[Kept[PostMortem]]], list[Kept[PostMortem]]]:
    """The post-mortems of each incident, and those of none. A document's title names its incident."""
    ids = {one.record.id.casefold(): one.record.id for one in pages.of(Incident)}
    found: dict[str, list[Kept[PostMortem]]] = {}
    strangers = []
    for one in pages.of(PostMortem):
        title = one.record.incident
        words = [title, *_WORD.findall(title)]
        if one.file.endswith(".md"):
            words.append(PurePosixPath(one.file).stem)
        own = next((ids[word.casefold()] for word in words if word.casefold() in ids), None)
        if own is None:
            strangers.append(one)
        else:
            found.setdefault(own, []).append(one)
    return found, strangers


_WORD = re.compile(r"\w[\w./-]*\w|\w")


def _is_due(
    incident: Incident, own: list[Kept[PostMortem]], rules: IncidentRules, now: datetime, *, everything: bool
) -> bool:
    """Whether a post-mortem has to be there, and complete: when the review is over, or should be."""
    if not own and incident.severity is not None and incident.severity not in rules.post_mortem_of:
        return False
    if everything:
        return True
    if incident.closed is None:
        return False
    by = review_by(incident.closed, rules)
    return now > min(by, incident.review_scheduled or by)


def _lacking(pages: Book, incident: Incident, own: list[Kept[PostMortem]], now: datetime) -> Iterator[str]:
    if not own:
        yield f"{one_line(incident.id, at_most=80)}: no post-mortem on record"
    for one in own:
        flaw = pages.flaw(one, now)
        wrong = [*([] if flaw is None else [f"it does not count: {flaw}"]), *lacks(one.record, now)]
        if wrong:
            yield f"{one_line(incident.id, at_most=80)} ({one.file}): {'; '.join(wrong)}"


def _overdue(kept: Kept[PostMortem], today: date) -> Iterator[str]:
    for action in kept.record.actions:
        if action.due is not None and action.due < today and not action.is_done(today):
            owner = "nobody" if is_nobody(action.owner) else one_line(str(action.owner), at_most=80)
            yield f"{_name(kept)}: {_quoted(action)}, owner {owner}, was due {action.due:%Y-%m-%d}"


def _overview(reviews: list[Kept[PostMortem]], judged: list[Kept[Incident]]) -> Evidence:
    lines = [str(one) for one in reviews[:100]]
    more = len(reviews) - len(lines)
    return Evidence(
        "post-mortems",
        "\n".join(
            [
                f"{len(reviews):,} post-mortems; {len(judged):,} incidents judged",
                *lines,
                *([f"and {more:,} more"] if more else []),
            ]
        ),
    )


def _name(kept: Kept[PostMortem]) -> str:
    return f"{one_line(kept.record.incident, at_most=80)} ({kept.file})"


def _quoted(action: Action) -> str:
    return f'"{one_line(action.what, at_most=80)}"'
