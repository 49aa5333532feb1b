"""What is attested of an engineer, and how an engineer's token is answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, Environment
from opsverify.looking import CouldNotLook
from opsverify.probes.engineer import Rights, rights
from opsverify.probes.onboarding import attested
from tests.opsverify.recording import NOW, recorded
from tests.opsverify.recording import attested as attestation
from tests.opsverify.stub import Asked as Request
from tests.opsverify.stub import Told, serving

ITEMS = (
    "member of #incidents",
    "has read the runbook",
    "knows escalation contacts",
    "understands severities",
)
JOINS = Asked(stage="onboarding", engineer="ada")


def said(*items: str, engineer: str | None = "ada", **other: Any) -> dict[str, dict[str, Any]]:
    """Attestations of an engineer, by file."""
    return {
        f"{engineer}-{number}.toml": attestation(item, engineer=engineer, **other)
        for number, item in enumerate(items)
    }


def missing(environment: Environment) -> tuple[str, ...]:
    """What is not on record."""
    assert environment.records is not None
    return attested(environment, environment.records).missing


def test_all_four_are_on_record(tmp_path: Path) -> None:
    """Each by an attestation of its own, for this engineer."""
    assert missing(recorded(tmp_path, said(*ITEMS), asked=JOINS)) == ()


@pytest.mark.parametrize("item", ITEMS)
def test_each_that_is_not_on_record_is_named(tmp_path: Path, item: str) -> None:
    """One item lists them, with the engineer."""
    others = [one for one in ITEMS if one != item]
    assert missing(recorded(tmp_path, said(*others), asked=JOINS)) == (
        f"{item}: not on record for engineer ada",
    )


def test_what_is_attested_of_others_does_not_count(tmp_path: Path) -> None:
    """Nor of nobody in particular."""
    found = missing(recorded(tmp_path, said(*ITEMS, engineer="bob"), asked=JOINS))
    assert len(found) == len(ITEMS)
    assert all("only for engineer bob" in one and "ada" in one for one in found)
    assert len(missing(recorded(tmp_path, said(*ITEMS, engineer=None), asked=JOINS))) == len(ITEMS)


def test_policy_says_who_may_attest_it_and_for_how_long(tmp_path: Path) -> None:
    """Nobody attests of themselves where the environment says who does."""
    rules = '[[records.rules]]\nkind = "attestation"\nby = ["sre-on-call"]\nholds_for_hours = 24\n'
    own = missing(recorded(tmp_path, said(*ITEMS, who="ada"), rules=rules, asked=JOINS))
    assert len(own) == len(ITEMS)
    assert all("ada may not write it" in one for one in own)
    good: dict[str, Any] = {"who": "sre-on-call", "when": NOW - timedelta(hours=23)}
    assert missing(recorded(tmp_path, said(*ITEMS, **good), rules=rules, asked=JOINS)) == ()
    old = good | {"when": NOW - timedelta(hours=25)}
    assert len(missing(recorded(tmp_path, said(*ITEMS, **old), rules=rules, asked=JOINS))) == len(ITEMS)


def test_without_a_name_the_stage_cannot_look(tmp_path: Path) -> None:
    """It says which option is missing."""
    environment = recorded(tmp_path, said(*ITEMS), asked=Asked(stage="onboarding"))
    with pytest.raises(CouldNotLook, match="--engineer=NAME"):
        missing(environment)


def test_without_a_stage_it_is_about_all_engineers(tmp_path: Path) -> None:
    """Of whom something is attested, or who are on the roster; placeholders are nobody."""
    shifts = [
        {"who": who, "starts": NOW - timedelta(1), "ends": NOW + timedelta(1)} for who in ("bob", "TBD")
    ]
    roster = {"roster.toml": {"kind": "roster", "contacts": {}, "shifts": shifts}}
    found = missing(recorded(tmp_path, said(*ITEMS) | roster))
    assert len(found) == len(ITEMS)
    assert all("bob" in one for one in found)
    (tmp_path / "none").mkdir()
    with pytest.raises(CouldNotLook, match="no engineer is on record"):
        missing(recorded(tmp_path / "none", {}))


def test_other_items_can_be_asked_for(tmp_path: Path) -> None:
    """The environment's list takes the place of the runbook's."""
    rules = '[records.onboarding]\nitems = ["has a badge"]\n'
    assert missing(recorded(tmp_path, said(*ITEMS), rules=rules, asked=JOINS)) == (
        "has a badge: not on record for engineer ada",
    )


# Rights over HTTP


def over_http(tmp_path: Path, url: str, answers: str, *, token: str = "ENGINEER_TOKEN") -> Rights:
    """What comes of asking one address with the engineer's token."""
    more = (
        f'env_file = "e.env"\n[access]\ntoken_from = "{token}"\n[[access.rights]]\nurl = "{url}"\n{answers}\n'
    )
    (tmp_path / "e.env").write_text("ENGINEER_TOKEN=abc.def.ghi\n")
    environment = recorded(tmp_path, {}, more)
    assert environment.access is not None
    return rights(environment, environment.access)


@pytest.mark.parametrize(
    ("status", "answers", "missing", "beyond"),
    [
        (200, "", False, False),
        (204, "answers = [200, 204]", False, False),
        (403, "", True, False),
        (401, "", True, False),
        (404, "", True, False),
        (302, "", True, False),
        (403, "answers = [403]", False, False),
        (200, "answers = [403]", False, True),
        (401, "answers = [401, 403]", False, False),
        (401, "answers = [403]", True, False),
    ],
)
def test_an_address_is_answered_as_the_right_says(
    tmp_path: Path, status: int, answers: str, missing: bool, beyond: bool
) -> None:
    """A refusal where it must answer is missing; an answer where it must refuse goes beyond."""
    asked: list[Request] = []

    def answer(request: Request) -> Told:
        asked.append(request)
        return Told(status, '{"secret": "of a person"}')

    with serving(answer) as url:
        seen = over_http(tmp_path, f"{url}/v1/things", answers)
    assert asked[0].headers["authorization"] == "Bearer abc.def.ghi"
    assert (seen.missing != (), seen.beyond != ()) == (missing, beyond)
    shown = "".join(one.text for one in seen.evidence)
    assert "abc.def.ghi" not in shown
    assert "of a person" not in shown


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_says_nothing_of_rights_is_no_finding(tmp_path: Path, status: int) -> None:
    """The service is not well, or has had enough: nothing is known then."""
    with (
        serving(lambda request: Told(status)) as url,
        pytest.raises(CouldNotLook, match=f"had no answer: {status}"),
    ):
        over_http(tmp_path, f"{url}/v1/things", "")


def test_no_answer_is_no_finding(tmp_path: Path) -> None:
    """Nobody listens."""
    with serving(lambda request: Told()) as url:
        pass
    with pytest.raises(CouldNotLook, match="connection refused"):
        over_http(tmp_path, f"{url}/v1/things", "")


def test_an_unset_token_is_named(tmp_path: Path) -> None:
    """And nothing is asked without one."""
    with pytest.raises(CouldNotLook, match="the variable OTHER_TOKEN is unset"):
        over_http(tmp_path, "http://127.0.0.1:1/v1", "", token="OTHER_TOKEN")


@pytest.mark.parametrize(
    ("table", "asked", "words"),
    [
        ("[access]", None, "does not say what an engineer reaches"),
        ('[access]\n[[access.rights]]\nurl = "http://127.0.0.1:1"', None, "names rights and no token"),
        ('[access]\ndsn_from = "ENGINEER_DSN"', None, "the variable ENGINEER_DSN is unset"),
        ('[access]\ndsn_from = "ENGINEER_DSN"', Asked(stage="onboarding"), "--engineer=NAME"),
    ],
)
def test_what_cannot_be_asked_says_why(tmp_path: Path, table: str, asked: Asked | None, words: str) -> None:
    """Nothing was connected to."""
    environment = recorded(tmp_path, {}, table, asked=asked)
    assert environment.access is not None
    with pytest.raises(CouldNotLook, match=words):
        rights(environment, environment.access)
