"""The commander's seven steps, as records show them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, Environment, IncidentRules, RecordsTable
from opsverify.looking import CouldNotLook
from opsverify.probes.incidents import handled, steps_missed
from opsverify.records import Incident
from tests.opsverify.incidents import AT, LATER, minutes, shifted, table
from tests.opsverify.recording import recorded

RULES = IncidentRules()


def missed(
    now: datetime = LATER, rules: IncidentRules = RULES, all_due: bool = False, **other: Any
) -> list[str]:
    """What such a record does not show."""
    incident = Incident.model_validate(table(who="sre-on-call", **other))
    return steps_missed(incident, rules, now, all_due=all_due)


def test_a_complete_record_misses_nothing() -> None:
    """All seven steps are there, in time and in order."""
    assert missed() == []
    assert missed(all_due=True) == []


@pytest.mark.parametrize(
    ("severity", "after", "words"),
    [
        ("SEV1", 15, None),
        ("SEV1", 15.1, "acknowledged 16 min after detection, expected within 15 min (SEV1)"),
        ("SEV2", 60, None),
        ("SEV2", 61, "acknowledged 61 min after detection, expected within 1 h (SEV2)"),
        ("SEV3", 240, None),
        ("SEV3", 246, "acknowledged 4.1 h after detection, expected within 4 h (SEV3)"),
        # from Tuesday, 9:00, until Wednesday is over
        ("SEV4", 39 * 60, None),
        (
            "SEV4",
            39 * 60 + 1,
            "acknowledged 39.0 h after detection, expected by the end of the next business day (SEV4)",
        ),
    ],
)
def test_each_severity_has_its_time(severity: str, after: float, words: str | None) -> None:
    """Up to it, it is in time."""
    rest: dict[str, Any] = {
        "mitigated": minutes(after + 10),
        "green_run": minutes(after + 15),
        "closed": minutes(after + 20),
        "updates": [{"at": minutes(after + 5), "text": "so far"}],
        "review_scheduled": minutes(after + 60),
    }
    found = missed(severity=severity, acknowledged=minutes(after), **rest)
    assert found == ([] if words is None else [words])


def test_the_environment_has_other_times() -> None:
    """Named ones replace the runbook's, the others stay; a severity in minutes waits for no business day."""
    rules = IncidentRules.model_validate({"acknowledged_within_minutes": {"SEV2": 10, "SEV4": 600}})
    assert missed(rules=rules) == ["acknowledged 20 min after detection, expected within 10 min (SEV2)"]
    assert missed(rules=rules, severity="SEV4") == []
    assert missed(rules=rules, severity="SEV1") == [
        "acknowledged 20 min after detection, expected within 15 min (SEV1)"
    ]


def test_over_a_weekend_and_a_holiday_the_mildest_waits() -> None:
    """Detected on Friday evening in New York, which is Saturday in UTC; Monday is a holiday."""
    detected = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
    rules = IncidentRules.model_validate({"timezone": "America/New_York", "holidays": ["2026-11-30"]})
    by = datetime(2026, 12, 2, 5, 0, tzinfo=UTC)

    def found(acknowledged: datetime) -> list[str]:
        incident = Incident(
            who="x",
            when=detected,
            id="INC-4",
            severity="SEV4",
            detected=detected,
            acknowledged=acknowledged,
            acknowledged_in="#incidents",
        )
        return steps_missed(incident, rules, acknowledged)

    assert found(by) == []
    assert len(found(by + timedelta(seconds=1))) == 1


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"acknowledged": None}, "not acknowledged, expected within 1 h (SEV2)"),
        ({"acknowledged_in": None}, "acknowledged, but not on record where, expected in #incidents"),
        ({"acknowledged_in": "#general"}, "acknowledged in #general, expected in #incidents"),
        ({"severity": None, "acknowledged": minutes(10)}, "no severity"),
        ({"impact": None}, "no impact"),
        ({"impact": "TBD"}, "no impact"),
        ({"impact": "[impact]"}, "no impact"),
        ({"updates": []}, "no status update"),
        ({"updates": [{"at": minutes(30), "text": "..."}]}, "no status update"),
        (
            {"updates": [{"at": minutes(91), "text": "it was nothing"}]},
            "no status update between its detection and its end",
        ),
        ({"assignee": None}, "no assignee"),
        ({"assignee": "nobody"}, "no assignee"),
        ({"mitigated": None}, "not mitigated"),
        ({"mitigation": " "}, "not on record how it was mitigated"),
        ({"green_run": None}, "no green run before it was closed"),
        ({"green_link": None}, "its green run has no link"),
        (
            {"green_run": minutes(59)},
            "its green run (2026-11-24 09:59 UTC) was before the mitigation (2026-11-24 10:00 UTC)",
        ),
        ({"green_run": minutes(91)}, "its green run (2026-11-24 10:31 UTC) was after it was closed"),
        ({"review_scheduled": None}, "no review scheduled, expected within 48 h of closing"),
        (
            {"review_scheduled": minutes(90 + 49 * 60)},
            "review scheduled 2.0 days after closing, expected within 48 h of closing",
        ),
        (
            {"review_scheduled": minutes(30)},
            "review scheduled 2026-11-24 09:30 UTC, before the incident ended",
        ),
        (
            {"acknowledged": minutes(-5)},
            "acknowledged (2026-11-24 08:55 UTC) before detected (2026-11-24 09:00 UTC)",
        ),
        (
            {"mitigated": minutes(10)},
            "mitigated (2026-11-24 09:10 UTC) before acknowledged (2026-11-24 09:20 UTC)",
        ),
    ],
)
def test_each_step_that_is_missing_is_named(other: dict[str, Any], words: str) -> None:
    """Only that one."""
    assert missed(**other) == [words]


def test_channels_are_compared_as_people_write_them() -> None:
    """With or without the sign, in any case."""
    assert missed(acknowledged_in="Incidents ") == []


def test_closed_before_it_was_detected_is_out_of_order() -> None:
    """Whatever else then does not fit is named too."""
    found = missed(closed=AT - timedelta(days=400))
    assert "closed (2025-10-20 09:00 UTC) before mitigated (2026-11-24 10:00 UTC)" in found


def test_times_in_the_future_are_none() -> None:
    """Nobody has closed an incident tomorrow; the review may come."""
    found = missed(now=minutes(84))
    assert found == ["closed (2026-11-24 10:30 UTC) lies in the future"]


def test_an_open_incident_misses_only_what_is_due() -> None:
    """First nothing, then the acknowledgement, then what those concerned wait for, never the green run."""
    only: dict[str, Any] = dict.fromkeys(table(), None)
    only |= {"kind": "incident", "id": "INC-1", "detected": AT, "when": AT}
    assert missed(now=minutes(15), **only) == []
    late = "not acknowledged, expected within 15 min (severity unknown, so as SEV1)"
    assert missed(now=minutes(16), **only) == [late]
    informed = ["no severity", "no impact", "no status update", "no assignee"]
    assert missed(now=minutes(31), **only) == [late, *informed]
    only |= {"severity": "SEV3", "acknowledged": minutes(200), "acknowledged_in": "#incidents"}
    assert missed(now=minutes(440), **only) == []
    assert missed(now=minutes(441), **only) == informed[1:]
    sooner = IncidentRules.model_validate({"informed_within_minutes": {"SEV3": 30}})
    assert missed(now=minutes(231), rules=sooner, **only) == informed[1:]
    # a later step brings those before it due
    assert missed(now=minutes(220), **{**only, "mitigated": minutes(210)}) == informed[1:]


def test_a_review_is_due_two_days_after_closing() -> None:
    """Not before, unless all is asked for."""
    closed = minutes(90)
    assert missed(now=closed + timedelta(hours=48), review_scheduled=None) == []
    assert len(missed(now=closed + timedelta(hours=48, seconds=1), review_scheduled=None)) == 1
    assert len(missed(now=closed, review_scheduled=None, all_due=True)) == 1


def test_asked_for_whole_an_open_incident_is_not_closed() -> None:
    """Stage post_incident about it: nothing has time any more."""
    found = missed(now=minutes(70), closed=None, green_run=None, review_scheduled=None, all_due=True)
    assert found == [
        "not closed",
        "no green run before it was closed",
        "no review scheduled, expected within 48 h of closing",
    ]


# The probe


def look(environment: Environment) -> tuple[str, ...]:
    """What the probe finds."""
    assert environment.records is not None
    return handled(environment, environment.records).missed


def test_without_incidents_there_is_nothing_to_miss(tmp_path: Path) -> None:
    """It passes, and the evidence says why."""
    environment = recorded(tmp_path, {})
    seen = handled(environment, environment.records or RecordsTable(folder=tmp_path))
    assert seen.missed == ()
    assert seen.record is None
    assert "none that is open, or ended in the last 14 days" in seen.evidence[0].text


def test_old_incidents_are_not_asked_for_unless_open_or_named(tmp_path: Path) -> None:
    """An old one that is still open is; a forged end does not hide a new one."""
    long_ago = -60 * 24 * 60
    old = shifted(id="OLD", updates=[], impact=None) | {
        key: value + timedelta(minutes=long_ago)
        for key, value in shifted().items()
        if isinstance(value, datetime)
    }
    records = {"old.toml": old}
    assert look(recorded(tmp_path, records)) == ()
    named = recorded(tmp_path, records, asked=Asked(stage="post_incident", incident="OLD"))
    assert "OLD: no impact" in look(named)
    assert "OLD: no impact" in look(recorded(tmp_path, {"old.toml": old | {"closed": None}}))
    forged = shifted(impact=None) | {"closed": datetime(2001, 1, 1, tzinfo=UTC)}
    assert "INC-1: no impact" in look(recorded(tmp_path, {"old.toml": forged}))


def test_an_unknown_incident_is_named_with_the_nearest(tmp_path: Path) -> None:
    """Nobody mistypes an id and gets a pass."""
    records = {"a.toml": shifted(id="INC-2026-014"), "b.toml": shifted(id="INC-2026-015")}
    environment = recorded(tmp_path, records, asked=Asked(stage="post_incident", incident="INC-2026-14"))
    with pytest.raises(CouldNotLook, match=r"no incident 'INC-2026-14' is on record.*INC-2026-014"):
        look(environment)
    (tmp_path / "none").mkdir()
    with pytest.raises(CouldNotLook, match="None is on record"):
        look(recorded(tmp_path / "none", {}, asked=Asked(stage="incident", incident="INC-1")))


def test_only_the_incident_that_is_named_is_judged(tmp_path: Path) -> None:
    """Others may have their faults."""
    records = {"a.toml": shifted(id="A"), "b.toml": shifted(id="B", impact=None)}
    assert look(recorded(tmp_path, records, asked=Asked(stage="post_incident", incident="A"))) == ()
    assert look(recorded(tmp_path, records)) == ("B: no impact",)


def test_an_id_that_stands_twice_is_found(tmp_path: Path) -> None:
    """A good record does not hide a bad one."""
    records = {"a.toml": shifted(), "b.toml": shifted(impact=None)}
    found = look(recorded(tmp_path, records))
    assert "INC-1: no impact" in found
    assert any(
        "INC-1: stands in several records" in one and "a.toml" in one and "b.toml" in one for one in found
    )


@pytest.mark.parametrize(
    "line",
    [
        "closed = 2026-11-24T10:30:00",
        "closed = 2026-11-24",
        "closed = 9999-12-31T23:59:59Z",
        "detected = 0001-01-01T00:00:00+14:00",
        'closed = "soon"',
        "updates = [{ at = 2026-11-24T09:30:00, text = 'no zone' }]",
        "severity = 'SEV5'",
        "clossed = 2026-11-24T10:30:00Z",
        "this is no TOML",
    ],
)
def test_a_record_that_cannot_be_read_is_a_finding(tmp_path: Path, line: str) -> None:
    """It may hide anything; the file is named."""
    environment = recorded(
        tmp_path, {"a.toml": shifted(closed=None, detected=None, updates=None, severity=None)}
    )
    file = tmp_path / "records" / "a.toml"
    text = "".join(
        one
        for one in file.read_text().splitlines(keepends=True)
        if not one.startswith(("closed", "detected", "updates", "severity", "[[", "at =", "text ="))
    )
    file.write_text(text + ("" if "detected" in line else "detected = 2026-11-24T09:00:00Z\n") + line + "\n")
    found = look(environment)
    assert found
    assert all(one.startswith("a.toml: ") for one in found)


def test_an_unreadable_record_of_another_kind_is_not_this_checks(tmp_path: Path) -> None:
    """It is found where it is asked for."""
    environment = recorded(tmp_path, {})
    (tmp_path / "records" / "a.toml").write_text('kind = "roster"\nwho = 5\n')
    assert look(environment) == ()


def test_a_record_by_someone_who_may_not_does_not_count(tmp_path: Path) -> None:
    """By the rules of the environment."""
    rules = '[[records.rules]]\nkind = "incident"\nby = ["sre-on-call"]\n'
    environment = recorded(tmp_path, {"a.toml": shifted(who="stranger")}, rules=rules)
    assert look(environment) == (
        "INC-1: its record does not count: stranger may not write it (allowed: sre-on-call)",
    )


def test_signs_of_any_script_are_words_and_none_moves_the_terminal(tmp_path: Path) -> None:
    """Unicode is fine, control characters are shown."""
    records = {"a.toml": shifted(id="事故\u202e-1\x1b[2J", impact="支払いができない", assignee=None)}
    (found,) = look(recorded(tmp_path, records))
    assert "事故" in found
    assert "\x1b" not in found
    assert "\u202e" not in found


def test_ten_thousand_incidents_are_judged_in_time(tmp_path: Path) -> None:
    """Within what a look may take, and the message stays one that can be read."""
    environment = recorded(tmp_path, {"a.toml": shifted(impact=None, who="x")})
    text = (tmp_path / "records" / "a.toml").read_text()
    for number in range(10_000):
        file = tmp_path / "records" / f"{number}.toml"
        file.write_text(text.replace('"INC-1"', f'"INC-{number + 2}"'))
    began = time.monotonic()
    found = look(environment)
    assert time.monotonic() - began < 10
    assert len(found) == 101
    assert found[-1] == "and 9,901 more"
