"""Whom to call, by when they answer, and who is on call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import EscalationRules
from opsverify.probes.escalation import escalation, gaps, within
from opsverify.records import Roster
from tests.opsverify.recording import recorded

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RULES = EscalationRules()


def contact(within: str | None, primary: str | None = "one", secondary: str | None = "two") -> dict[str, Any]:
    """A contact; None leaves a field out."""
    whole = {"primary": primary, "secondary": secondary, "within": within}
    return {key: value for key, value in whole.items() if value is not None}


def shift(starts: float, ends: float, who: str = "sre-on-call", **other: str) -> dict[str, Any]:
    """A shift, in hours from now."""
    return {
        "who": who,
        "starts": NOW + timedelta(hours=starts),
        "ends": NOW + timedelta(hours=ends),
        **other,
    }


def roster(**other: Any) -> dict[str, Any]:
    """A complete one."""
    return {
        "kind": "roster",
        "contacts": {
            "production outage": contact("15 min"),
            "security incident": contact("immediate"),
            "payment issues": contact("24 h"),
            "database critical": contact("1 h"),
        },
        "channels": ["#incidents", "#engineering", "ops@inmidst.io"],
        "shifts": [shift(-1, 1)],
        **other,
    }


def missing(rules: EscalationRules = RULES, **other: Any) -> list[str]:
    """What such a roster does not say."""
    return gaps(Roster.model_validate({"who": "x", "when": NOW, **roster(**other)}), rules, NOW)


def with_contact(kind: str, **other: Any) -> dict[str, Any]:
    """The contacts with one that is another."""
    contacts: dict[str, Any] = roster()["contacts"]
    return {"contacts": contacts | {kind: contact(**{"within": contacts[kind]["within"], **other})}}


def test_a_complete_roster_lacks_nothing() -> None:
    """Also with kinds written another way, channels in another case, and stricter times."""
    assert missing() == []
    contacts = {key.title().replace(" ", "-"): value for key, value in roster()["contacts"].items()}
    assert missing(contacts=contacts, channels=["#Incidents", "#engineering", "mailto:OPS@inmidst.io"]) == []
    assert missing(**with_contact("payment issues", within="2 hours")) == []
    assert missing(**with_contact("production outage", within="immediately")) == []


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (with_contact("database critical", secondary=None), "database critical: no secondary contact"),
        (with_contact("database critical", primary="TBD"), "database critical: no primary contact"),
        (with_contact("database critical", primary="?"), "database critical: no primary contact"),
        (with_contact("database critical", secondary="[Name]"), "database critical: no secondary contact"),
        (
            with_contact("database critical", secondary="One"),
            "database critical: primary and secondary contact are the same (one)",
        ),
        (
            with_contact("production outage", within="30 min"),
            "production outage: response time 30 min, expected 15 min",
        ),
        (
            with_contact("security incident", within="5 min"),
            "security incident: response time 5 min, expected immediate",
        ),
        (
            with_contact("payment issues", within="soon"),
            "payment issues: response time 'soon' is none, expected 24 h",
        ),
        (with_contact("payment issues", within=None), "payment issues: no response time, expected 24 h"),
        ({"channels": ["#incidents", "ops@inmidst.io"]}, "channel #engineering is not named"),
        ({"channels": ["#incidents", "#engineering"]}, "channel ops@inmidst.io is not named"),
        ({"shifts": []}, "no on-call engineer is on call now (the roster has no such shift)"),
    ],
)
def test_each_gap_is_named(other: dict[str, Any], words: str) -> None:
    """Only that one."""
    assert missing(**other) == [words]


def test_an_empty_roster_lacks_everything() -> None:
    """Four kinds, three channels, somebody on call."""
    assert len(missing(contacts={}, channels=[], shifts=[])) == 4 + 3 + 1


@pytest.mark.parametrize(
    ("shifts", "on_call"),
    [
        ([shift(-1, 1)], True),
        ([shift(0, 1)], True),
        ([shift(-1, 0)], False),
        # a handover: one ends when the next begins
        ([shift(-8, 0), shift(0, 8)], True),
        # a gap, and an overlap, at the handover
        ([shift(-8, -0.1), shift(0.1, 8)], False),
        ([shift(-8, 1), shift(-1, 8, "another")], True),
        # a placeholder is no person; beside one it does not matter
        ([shift(-1, 1, "TBD")], False),
        ([shift(-1, 1, "?")], False),
        ([shift(-1, 1, "?"), shift(-1, 1)], True),
        # another role, and a shift that ends before it starts
        ([shift(-1, 1, role="DBA on-call")], False),
        ([shift(-1, 1, role="On-Call Engineer")], True),
        ([shift(1, -1)], False),
    ],
)
def test_somebody_is_on_call_now(shifts: list[dict[str, Any]], on_call: bool) -> None:
    """A named person, from a shift's start up to and without its end."""
    assert (missing(shifts=shifts) == []) is on_call


def test_a_gap_says_what_is_around_it() -> None:
    """Whose shift was meant to cover it can be seen."""
    (found,) = missing(shifts=[shift(-8, -1), shift(2, 8)])
    assert found == (
        "no on-call engineer is on call now (the last shift ended 2026-11-24 11:00 UTC,"
        " the next starts 2026-11-24 14:00 UTC)"
    )
    assert missing(shifts=[shift(-1, 1, "tbd")]) == [
        "no named on-call engineer is on call now ('tbd' is no name)"
    ]


def test_the_environment_expects_other_times_and_kinds() -> None:
    """Named ones replace the runbook's, the others stay."""
    rules = EscalationRules.model_validate({"within_minutes": {"production outage": 5, "power": 60}})
    assert missing(rules) == ["production outage: response time 15 min, expected 5 min", "power: no contacts"]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        *(
            ("15 min", 15),
            ("15min", 15),
            ("15 minutes", 15),
            ("0 min", 0),
            ("1.5 h", 90),
            ("24 hours", 1_440),
        ),
        *(("1 h 30 min", 90), ("1 day", 1_440), ("within 1 hour", 60), ("IMMEDIATE", 0), ("at once", 0)),
        *(("", None), ("soon", None), ("15", None), ("15 parsecs", None), ("-5 min", None), ("min", None)),
        *(("15 min or so", None), ("9" * 40 + " h", None), ("١٥ min", 15)),
    ],
)
def test_times_as_people_write_them(text: str, minutes: float | None) -> None:
    """Those that are none are not guessed."""
    assert within(text) == (None if minutes is None else timedelta(minutes=minutes))


def test_the_newest_roster_that_counts_is_judged(tmp_path: Path) -> None:
    """One by someone who may not write it, and one that is too old, do not count."""
    now = datetime.now(UTC)
    good = roster(shifts=[{"who": "a", "starts": now - timedelta(1), "ends": now + timedelta(1)}])
    empty = {"kind": "roster", "contacts": {}}
    rules = '[[records.rules]]\nkind = "roster"\nby = ["sre-on-call"]\nholds_for_hours = 48\n'

    def look(records: dict[str, Any]) -> tuple[str, ...]:
        environment = recorded(tmp_path, records, rules=rules)
        assert environment.records is not None
        return escalation(environment, environment.records).missing

    assert look({}) == ("no roster is on record",)
    old = good | {"who": "sre-on-call", "when": now - timedelta(hours=50)}
    assert look({"a.toml": old}) == ("a.toml: it is 2.1 days old and holds for 48 h",)
    fresh = good | {"who": "sre-on-call", "when": now - timedelta(hours=1)}
    assert look({"a.toml": fresh}) == ()
    assert look({"a.toml": fresh, "b.toml": empty | {"who": "stranger"}}) == ()
    assert look({"a.toml": fresh, "b.toml": empty | {"who": "sre-on-call"}}) != ()


def test_a_roster_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    """Naive times among them."""
    environment = recorded(tmp_path, {})
    (tmp_path / "records" / "r.toml").write_text(
        'kind = "roster"\nwho = "a"\nwhen = 2026-11-24T00:00:00Z\n[contacts]\n'
        "[[shifts]]\nwho = 'a'\nstarts = 2026-11-24T00:00:00\nends = 2026-11-25T00:00:00Z\n"
    )
    assert environment.records is not None
    found = escalation(environment, environment.records).missing
    assert found[0].startswith("r.toml: shifts")
    assert found[-1] == "no roster is on record"
