"""Whether incidents have post-mortems, and what these ask for gets done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, Environment
from opsverify.probes.reviews import Learnt, lacks, learnt
from opsverify.records import PostMortem
from tests.opsverify.recording import recorded
from tests.opsverify.test_postmortem import FILLED

NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW - timedelta(days=5)


def incident(**other: Any) -> dict[str, Any]:
    """A closed incident of some days ago."""
    closed = AT + timedelta(hours=1)
    return {
        "kind": "incident",
        "id": "INC-7",
        "severity": "SEV2",
        "detected": AT,
        "closed": closed,
        "when": closed,
        **other,
    }


def review(**other: Any) -> dict[str, Any]:
    """A complete post-mortem."""
    names = ("detected", "acknowledged", "cause_found", "mitigated", "restored", "resolved")
    return {
        "kind": "post-mortem",
        "incident": "INC-7",
        "date": AT.date(),
        "duration_minutes": 50,
        "severity": "SEV2",
        "commander": "sre-on-call",
        "summary": "It was noticed and mended.",
        "cause": "An expired key.",
        **{name: AT + timedelta(minutes=10 * number) for number, name in enumerate(names)},
        "users": "0",
        "revenue": "N/A",
        "data_loss": "no",
        "actions": [{"what": "watch keys", "owner": "service-owner", "due": NOW.date() + timedelta(days=9)}],
        "went_well": "the rollback",
        "could_improve": "the alert",
        **other,
    }


def look(environment: Environment) -> Learnt:
    """What the probe sees."""
    assert environment.records is not None
    return learnt(environment, environment.records)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"date": None}, "no date"),
        ({"duration_minutes": None}, "no duration"),
        ({"severity": None}, "no severity"),
        ({"commander": "?"}, "no incident commander"),
        ({"summary": ""}, "no summary"),
        ({"cause": "[why]"}, "no cause"),
        ({"restored": None}, "no time of restoration"),
        ({"users": "[number/percentage]"}, "nothing on users affected"),
        ({"revenue": None}, "nothing on revenue impact"),
        ({"data_loss": "tbd"}, "nothing on data loss"),
        ({"actions": []}, "no action"),
        ({"actions": [{"what": "a", "due": date(2999, 1, 1)}]}, 'action "a" has no owner'),
        (
            {"actions": [{"what": "a", "owner": "TBD", "due": date(2999, 1, 1)}]},
            'action "a" has no owner',
        ),
        ({"actions": [{"what": "a", "owner": "b"}]}, 'action "a" has no due date'),
        ({"went_well": "..."}, "no lesson on what went well"),
        ({"could_improve": None}, "no lesson on what could improve"),
    ],
)
def test_what_is_missing_is_named(other: dict[str, Any], words: str) -> None:
    """Only that."""
    whole = {"who": "x", "when": NOW, **review(**other)}
    found = PostMortem.model_validate({key: value for key, value in whole.items() if value is not None})
    assert lacks(found, NOW) == [words]


def test_times_have_their_order() -> None:
    """The one that is too early is named with the one before it."""
    early = review(mitigated=AT + timedelta(minutes=5))
    (found,) = lacks(PostMortem.model_validate({"who": "x", "when": NOW, **early}), NOW)
    assert found.startswith("mitigated (")
    assert " before cause found (" in found


def test_each_grave_incident_has_one(tmp_path: Path) -> None:
    """As TOML, or as a document whose title names the incident; the mildest needs none."""
    records: dict[str, Any] = {"i.toml": incident()}
    assert look(recorded(tmp_path, records)).incomplete == ("INC-7: no post-mortem on record",)
    assert look(recorded(tmp_path, {"i.toml": incident(severity="SEV4")})).incomplete == ()
    assert look(recorded(tmp_path, {"i.toml": incident(severity=None)})).incomplete != ()
    assert look(recorded(tmp_path, records | {"p.toml": review()})).incomplete == ()
    (tmp_path / "records" / "p.toml").unlink()
    (tmp_path / "records" / "p.md").write_text(FILLED)
    assert look(recorded(tmp_path, records)).incomplete == ()
    # a longer id is another incident
    (tmp_path / "records" / "p.md").write_text(FILLED.replace("INC-7 ", "INC-77 "))
    assert "INC-7: no post-mortem on record" in look(recorded(tmp_path, records)).incomplete


def test_it_is_due_when_the_review_is_over(tmp_path: Path) -> None:
    """Or should be; at once where the run is about this incident."""
    fresh = incident(detected=NOW - timedelta(hours=3), closed=NOW - timedelta(hours=2))
    assert look(recorded(tmp_path, {"i.toml": fresh})).incomplete == ()
    held = fresh | {"review_scheduled": NOW - timedelta(hours=1)}
    assert look(recorded(tmp_path, {"i.toml": held})).incomplete != ()
    asked = Asked(stage="post_incident", incident="INC-7")
    assert look(recorded(tmp_path, {"i.toml": fresh}, asked=asked)).incomplete != ()


def test_overdue_actions_are_named_with_their_owner(tmp_path: Path) -> None:
    """Of any post-mortem, however old; done, due today or later they are not overdue."""
    today = NOW.date()
    actions = [
        {"what": "late", "owner": "service-owner", "due": today - timedelta(days=1)},
        {"what": "nobody's", "due": today - timedelta(days=1)},
        {"what": "today", "owner": "a", "due": today},
        {"what": "done", "owner": "a", "due": date(2026, 1, 2), "done": date(2026, 1, 3)},
        {"what": "ticked", "owner": "a", "due": date(2026, 1, 2), "done": True},
        {"what": "done to come", "owner": "a", "due": date(2026, 1, 2), "done": date(2999, 1, 3)},
    ]
    records = {"i.toml": incident(closed=AT - timedelta(days=300), detected=AT - timedelta(days=300))}
    found = look(recorded(tmp_path, records | {"p.toml": review(actions=actions)})).overdue
    yesterday = f"{today - timedelta(days=1):%Y-%m-%d}"
    assert found == (
        f'INC-7 (p.toml): "late", owner service-owner, was due {yesterday}',
        f'INC-7 (p.toml): "nobody\'s", owner nobody, was due {yesterday}',
        'INC-7 (p.toml): "done to come", owner a, was due 2026-01-02',
    )


def test_a_post_mortem_of_an_unknown_incident_is_found(tmp_path: Path) -> None:
    """Somewhere an incident's record is missing, or an id is mistyped."""
    environment = recorded(tmp_path, {"p.toml": review(incident="INC-8")})
    assert look(environment).incomplete == ("INC-8 (p.toml): its incident is not on record",)


def test_a_document_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    """With what is wrong in it; other documents are none of ours."""
    environment = recorded(tmp_path, {})
    (tmp_path / "records" / "p.md").write_text(FILLED.replace("2026-11-20", "yesterday"))
    (tmp_path / "records" / "README.md").write_text("# Records\n\nOf incidents.\n")
    assert look(environment).incomplete == ("p.md: Date: expected YYYY-MM-DD, not 'yesterday'",)


def test_one_that_does_not_count_is_none(tmp_path: Path) -> None:
    """By the rules of the environment."""
    rules = '[[records.rules]]\nkind = "post-mortem"\nby = ["sre-on-call"]\n'
    environment = recorded(tmp_path, {"i.toml": incident(), "p.toml": review(who="stranger")}, rules=rules)
    (found,) = look(environment).incomplete
    assert found.startswith("INC-7 (p.toml): it does not count: stranger may not write it")
