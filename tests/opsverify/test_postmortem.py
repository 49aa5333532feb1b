"""Post-mortems as Markdown on the runbook's template: written, read leniently, refused clearly."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest

from opsverify.probes.reviews import lacks
from opsverify.records import BadRecord, Incident, PostMortem
from opsverify.records.postmortem import from_markdown, is_post_mortem, template

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

FILLED = """\
## Incident Post-Mortem: INC-7 Payments failed

**Date**: 2026-11-20
**Duration**: 1 hour 20 minutes
**Severity**: SEV2
**Incident Commander**: sre-on-call

### Summary
Payments failed for an hour.
Nobody noticed at first.

### Timeline (UTC)
- 23:10 - Incident detected
- 23:20 - Acknowledged, investigation started
- 23:50 - Root cause identified
- 00:10 - Mitigation applied
- 00:20 - Service restored
- 00:30 - Incident resolved

### Root Cause
An expired key.

### Impact
- Users affected: 4 %
- Revenue impact: N/A
- Data loss: no

### Action Items
- [ ] Watch when keys expire - Owner: service-owner - Due: 2026-12-24
- [x] Renew the key - Owner: sre-on-call - Due: 2026-11-21

### Lessons Learned
- What went well: the rollback
- What could improve: the alert
"""


def read(text: str) -> PostMortem:
    """What a document holds."""
    return from_markdown(text.encode(), "pm.md")


def at(day: int, hour: int, minute: int) -> datetime:
    """A time of November 2026, UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_filled_template_is_read_whole() -> None:
    """Every place of it, with times after midnight on the next day."""
    found = read(FILLED)
    assert found == PostMortem.model_validate(
        {
            "who": "sre-on-call",
            "when": at(21, 0, 30),
            "incident": "INC-7 Payments failed",
            "date": date(2026, 11, 20),
            "duration_minutes": 80,
            "severity": "SEV2",
            "commander": "sre-on-call",
            "summary": "Payments failed for an hour.\nNobody noticed at first.",
            "cause": "An expired key.",
            "detected": at(20, 23, 10),
            "acknowledged": at(20, 23, 20),
            "cause_found": at(20, 23, 50),
            "mitigated": at(21, 0, 10),
            "restored": at(21, 0, 20),
            "resolved": at(21, 0, 30),
            "users": "4 %",
            "revenue": "N/A",
            "data_loss": "no",
            "actions": [
                {"what": "Watch when keys expire", "owner": "service-owner", "due": date(2026, 12, 24)},
                {"what": "Renew the key", "owner": "sre-on-call", "due": date(2026, 11, 21), "done": True},
            ],
            "went_well": "the rollback",
            "could_improve": "the alert",
        }
    )
    assert lacks(found, NOW) == []


@pytest.mark.parametrize(
    "replaced",
    [
        (("\n", "\r\n"),),
        (("## Incident", "\ufeff## Incident"),),
        (("**", ""),),
        (("**: ", ":** "),),
        ((" - ", " – "),),
        ((" - ", " — "),),
        (("\n- ", "\n* "),),
        (("### ", "## "), ("## Incident", "# Incident")),
        (("###", "####"),),
        (("Post-Mortem", "Postmortem"),),
        (("Timeline (UTC)", "Timeline"),),
        ((" - Incident detected", " UTC - Incident detected"),),
        (("- 23:10 -", "- **23:10** -"),),
        (("[x]", "[X]"),),
        (("1 hour 20 minutes", "80 min"),),
        (("1 hour 20 minutes", "1 h 20 min"),),
        (("1 hour 20 minutes", "1:20"),),
        (("SEV2", "sev-2"),),
        (("### Impact", "<!-- how bad\n### Timeline\n- 01:00 - nothing -->\n### Impact"),),
        (("- Owner: service-owner - Due: 2026-12-24", "- Due: 2026-12-24 - Owner: service-owner"),),
        ((" - Owner: service-owner - Due: 2026-12-24", " (Owner: service-owner, Due: 2026-12-24)"),),
        (("### Lessons Learned", "### Lessons Learned ###\n\nWhat we take with us.\n"),),
        (("## Incident", "# A file of ours\n\nSome words.\n\n## Incident"),),
        (("the alert\n", "the alert\n\n## Incident Post-Mortem: another\n**Date**: 2020-01-01\n"),),
        (("- 23:50", "- 23:40 - somebody called\n- 23:50"),),
    ],
)
def test_how_it_is_written_does_not_matter(replaced: tuple[tuple[str, str], ...]) -> None:
    """Bold or not, dashes of any kind, line ends, levels of headings, comments, more around it."""
    text = FILLED
    for before, after in replaced:
        assert before in text
        text = text.replace(before, after)
    assert read(text) == read(FILLED)


def test_what_is_left_of_the_template_is_missing() -> None:
    """An empty one lacks everything, and is still read."""
    found = lacks(read(template("INC-7")), NOW)
    assert found == [
        "no date",
        "no duration",
        "no severity",
        "no incident commander",
        "no summary",
        "no cause",
        "no time of detection",
        "no time of acknowledgement",
        "no time at which the cause was found",
        "no time of mitigation",
        "no time of restoration",
        "no time of resolution",
        "nothing on users affected",
        "nothing on revenue impact",
        "nothing on data loss",
        'action "[Action 1]" has no words and no owner and no due date',
        'action "[Action 2]" has no words and no owner and no due date',
        "no lesson on what went well",
        "no lesson on what could improve",
    ]


def test_the_template_has_what_the_incidents_record_knows() -> None:
    """Date, severity, duration and times; those of another day with their day."""
    detected = at(20, 23, 10)
    incident = Incident(
        who="sre-on-call",
        when=detected,
        id="INC-7",
        severity="SEV3",
        impact="slow [searches]",
        detected=detected,
        acknowledged=detected + timedelta(minutes=10),
        mitigated=detected + timedelta(hours=1),
        closed=detected + timedelta(hours=30),
    )
    text = template(incident)
    found = read(text)
    assert (found.incident, found.date, found.severity) == ("INC-7", date(2026, 11, 20), "SEV3")
    assert found.duration_minutes == 30 * 60
    assert (found.detected, found.acknowledged) == (incident.detected, incident.acknowledged)
    assert (found.mitigated, found.resolved) == (incident.mitigated, incident.closed)
    assert "no summary" in lacks(found, NOW)
    assert is_post_mortem(text.encode())


@pytest.mark.parametrize("hostile", ["INC-1\n## Heading", "x\x1b[2J", "]] - [", "事故"])
def test_a_template_keeps_to_its_lines_whatever_the_id(hostile: str) -> None:
    """An id does not write another line."""
    lines = template(hostile).splitlines()
    assert len(lines) == len(template("INC-7").splitlines())
    assert "\x1b" not in lines[0]


@pytest.mark.parametrize(
    ("before", "after", "field", "expected"),
    [
        # earlier than the one above by little: out of order, and so it stays
        ("- 23:20 - Ack", "- 23:05 - Ack", "acknowledged", at(20, 23, 5)),
        # a line may name its day
        ("- 00:30 - Incident", "- 2026-11-22 00:30 - Incident", "resolved", at(22, 0, 30)),
        # in other words
        ("Root cause identified", "the cause was found: a key", "cause_found", at(20, 23, 50)),
        ("Mitigation applied", "Key renewed (mitigated)", "mitigated", at(21, 0, 10)),
    ],
)
def test_times_are_placed(before: str, after: str, field: str, expected: datetime) -> None:
    """By the line above, or as the line says."""
    assert before in FILLED
    assert getattr(read(FILLED.replace(before, after)), field) == expected


def test_a_long_incident_rolls_by_its_duration() -> None:
    """Less than half a day back is the next day where the stated duration says so, else out of order."""
    long = FILLED.replace("- 00:30 - Incident", "- 20:00 - Incident").replace("1 hour 20 minutes", "21 hours")
    assert read(long).resolved == at(21, 20, 0)
    back = FILLED.replace("- 00:30 - Incident", "- 00:15 - Incident")
    assert "resolved (2026-11-21 00:15 UTC) before restored (2026-11-21 00:20 UTC)" in lacks(read(back), NOW)
    days = back.replace("1 hour 20 minutes", "1 day 2 hours")
    assert read(days).resolved == at(22, 0, 15)


def test_times_of_another_zone_are_taken_as_said() -> None:
    """The heading names it; midnight is the zone's."""
    found = read(FILLED.replace("(UTC)", "(Europe/Berlin)"))
    assert found.detected == at(20, 22, 10)
    assert found.resolved == at(20, 23, 30)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("## Incident Post-Mortem: INC-7 Payments failed", "## Notes", "no heading 'Incident Post-Mortem"),
        ("2026-11-20", "20.11.2026", "Date: expected YYYY-MM-DD, not '20.11.2026'"),
        ("2026-11-20", "2026-13-40", "Date: expected YYYY-MM-DD"),
        ("2026-11-20", "9999-12-31", "Date: expected YYYY-MM-DD"),
        ("23:10", "25:10", "Timeline: '- 25:10 - Incident detected' has no time of a day"),
        ("(UTC)", "(Middle-earth)", "unknown time zone 'Middle-earth'"),
        (
            "2026-12-24",
            "soon",
            "Action Items: 'Watch when keys expire': Due: expected YYYY-MM-DD, not 'soon'",
        ),
    ],
)
def test_what_has_not_its_form_is_named(before: str, after: str, words: str) -> None:
    """With the file, and the place in it."""
    with pytest.raises(BadRecord) as caught:
        read(FILLED.replace(before, after, 1))
    assert str(caught.value).startswith("pm.md: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"# Notes\n", b"x" * 300_000])
def test_what_is_no_post_mortem_is_refused(raw: bytes) -> None:
    """Empty, not UTF-8, another document, too large."""
    with pytest.raises(BadRecord, match=r"^pm\.md: "):
        from_markdown(raw, "pm.md")
    assert not is_post_mortem(raw)


def test_a_document_about_the_template_is_none() -> None:
    """It shows it as code."""
    assert not is_post_mortem(f"# How to\n\n```markdown\n{FILLED}```\n".encode())
    assert is_post_mortem(FILLED.encode())


@pytest.mark.parametrize(
    "part",
    [
        " ",
        "- ",
        "* ",
        "<!--",
        "# ",
        "Owner",
        " - ",
        "- [ ] ",
        "cause",
        "9",
        "(",
        "- 10:10 ",
        "Date",
        "a ",
        ": ",
    ],
)
@pytest.mark.parametrize(
    "before", ["", "- [ ] a ", "- 10:10 - ", "**Date**: ", "**Duration**: ", "### ", "a:"]
)
def test_no_line_takes_long(part: str, before: str) -> None:
    """A hostile document of the largest size is refused, or read, at once."""
    line = before + part * (60_000 // len(part))
    text = FILLED
    for heading in ("### Summary", "### Root Cause", "### Impact", "### Lessons"):
        text = text.replace(heading, f"{line}x\n{heading}")
    began = time.monotonic()
    with suppress(BadRecord):
        read(text)
    assert time.monotonic() - began < 1


def test_lists_under_a_label_belong_to_it() -> None:
    """Also words with a colon in them."""
    text = FILLED.replace("What went well: the rollback", "What went well:\n  - fast: in 5 min\n  - calm")
    assert read(text).went_well == "- fast: in 5 min - calm"
