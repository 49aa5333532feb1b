"""MNT-04, MNT-05: pages outside say what they should, or what they say instead is seen."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Asked, Environment
from opsverify.looking import CouldNotLook
from opsverify.probes import pages
from tests.opsverify.recording import NOW, recorded, window
from tests.opsverify.stub import Asked as Request
from tests.opsverify.stub import Told, serving

HOUR = timedelta(hours=1)
HTML = {"content-type": "text/html"}
DURING = {"window.toml": window("W-1", NOW - HOUR, NOW + HOUR, ticket="7")}


def maintained(folder: Path, tables: str, records: Any = (), **asked: Any) -> Environment:
    """An environment with maintenance declared so."""
    return recorded(folder, dict(records), f"[maintenance]\n{tables}", asked=Asked(**asked))


def page(url: str, says: str, field: str | None) -> str:
    """A page as TOML has it."""
    at = f', field = "{field}"' if field else ""
    return f'{{ url = "{url}", says = "{says}"{at} }}'


def said(folder: Path, told: Told, says: str, field: str | None) -> tuple[str, ...]:
    """What is wrong with a status page that answers so, without its address."""
    with serving(lambda _: told) as url:
        environment = maintained(folder, f"status_after = {page(url, says, field)}\n")
        assert environment.maintenance is not None
        found = pages.status_page(environment, environment.maintenance).wrong
        return tuple(one.replace(f" ({url})", "") for one in found)


@pytest.mark.parametrize(
    ("body", "field", "wrong"),
    [
        ({"status": {"description": "Operational"}}, "status.description", None),
        ({"status": {"description": " Operational\n"}}, "status.description", None),
        ({"parts": [{}, {"s": "Operational"}]}, "parts.1.s", None),
        ({"a.b": "x"}, "a.b", "there is nothing at a.b, expected 'Operational'"),
        (
            {"status": {"description": "Not Operational"}},
            "status.description",
            "'Not Operational' instead of 'Operational'",
        ),
        ({"status": "operational"}, "status", "'operational' instead of 'Operational'"),
        ({"status": {}}, "status.description", "there is nothing at status.description (only status)"),
        ({"parts": []}, "parts.0.s", "there is nothing at parts.0.s (only parts)"),
        ({"parts": ["x"]}, "parts.-1", "there is nothing at parts.-1 (only parts)"),
        ({"status": True}, "status", "'true' instead of 'Operational'"),
        ({"status": 1}, "status", "'1' instead of 'Operational'"),
        ({"status": None}, "status", "'null' instead of 'Operational'"),
        ("Operational", "status", "there is nothing at status, expected 'Operational'"),
    ],
)
def test_a_field_has_exactly_the_text(tmp_path: Path, body: Any, field: str, wrong: str | None) -> None:
    """Anything else is said in the finding: other words, other types, nothing there."""
    found = said(tmp_path, Told(body=json.dumps(body)), "Operational", field)
    assert found == () if wrong is None else found[0].startswith(f"after maintenance: {wrong}")


def test_a_page_that_is_no_json_has_no_field(tmp_path: Path) -> None:
    """It says nothing of the kind; nesting that no parser follows is likewise none."""
    for body in ("<html>", "[" * 100_000, ""):
        found = said(tmp_path, Told(body=body), "Operational", "status")
        assert found == ("after maintenance: no JSON, expected 'Operational' at status",)


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ("<p>All systems: Operational</p>", True),
        ("<p>Scheduled\n   Operational.</p>", True),
        ("<p>Non-Operational</p>", False),
        ("<p>Operationally challenged</p>", False),
        ("<p>operational</p>", False),
        ("", False),
    ],
)
def test_without_a_field_the_words_stand_in_the_page(tmp_path: Path, body: str, good: bool) -> None:
    """As whole words."""
    found = said(tmp_path, Told(body=body, headers=HTML), "Operational", None)
    assert found == (() if good else ("after maintenance: nothing of 'Operational'",))


def test_each_stage_asks_for_its_own_time(tmp_path: Path) -> None:
    """Before maintenance, after it, or both where no stage is asked."""
    asked: list[str] = []

    def answer(request: Request) -> Told:
        asked.append(request.path)
        return Told(body='{"s": "x"}')

    with serving(answer) as url:
        before, after = (page(f"{url}/{time}", "x", "s") for time in ("before", "after"))
        tables = f"status_before = {before}\nstatus_after = {after}\n"
        for stage, paths in (
            ("pre_maintenance", ["/before"]),
            ("post_maintenance", ["/after"]),
            (None, ["/before", "/after"]),
        ):
            environment = maintained(tmp_path, tables, stage=stage)
            assert environment.maintenance is not None
            assert pages.status_page(environment, environment.maintenance).wrong == ()
            assert asked == paths
            asked.clear()


def test_a_page_that_is_not_declared_could_not_be_looked_at(tmp_path: Path) -> None:
    """Also where the other one is."""
    environment = maintained(
        tmp_path, 'status_after = { url = "http://h", says = "x" }', stage="pre_maintenance"
    )
    assert environment.maintenance is not None
    with pytest.raises(CouldNotLook) as refused:
        pages.status_page(environment, environment.maintenance)
    assert refused.value.why == "the environment names no status page for before maintenance"
    with pytest.raises(CouldNotLook) as refused:
        pages.ticket(environment, environment.maintenance)
    assert refused.value.why == "the environment does not say where its tickets are"


@pytest.mark.parametrize("status", [301, 403, 404, 500])
def test_a_status_page_that_does_not_answer_well_could_not_be_looked_at(tmp_path: Path, status: int) -> None:
    """It says neither that all is well nor that it is not."""
    with pytest.raises(CouldNotLook) as refused:
        said(tmp_path, Told(status=status, body="Operational"), "Operational", None)
    assert refused.value.why == f"the status page: answers {status}"


def ticket(folder: Path, url: str, records: Any, more: str = "") -> tuple[str, ...]:
    """What MNT-05 finds."""
    tables = f"ticket = {page(url + '/issues/{ticket}', 'closed', 'state')}\n{more}"
    environment = maintained(folder, tables, records)
    assert environment.maintenance is not None
    return pages.ticket(environment, environment.maintenance).wrong


def test_the_ticket_is_that_of_the_newest_window_that_has_begun(tmp_path: Path) -> None:
    """Not of one before it, and not of the next."""
    records = DURING | {
        "past.toml": window("W-0", NOW - 9 * HOUR, NOW - 8 * HOUR, ticket="6"),
        "next.toml": window("W-2", NOW + 8 * HOUR, NOW + 9 * HOUR, ticket="8"),
    }

    def answer(request: Request) -> Told:
        return Told(body=json.dumps({"state": "open" if request.path == "/issues/7" else "closed"}))

    with serving(answer) as url:
        assert ticket(tmp_path, url, records) == ("window W-1, ticket 7: 'open' instead of 'closed'",)


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        ({}, "no window that has begun is on record"),
        (
            {"next.toml": window("W-2", NOW + HOUR, NOW + 2 * HOUR, ticket="8")},
            "no window that has begun is on record",
        ),
        (
            {"window.toml": window("W-1", NOW - HOUR, NOW + HOUR)},
            "window W-1: window.toml names no ticket",
        ),
        (DURING, "window W-1, ticket 7: there is no such ticket"),
    ],
)
def test_a_ticket_that_is_not_there_is_not_closed(tmp_path: Path, records: Any, wrong: str) -> None:
    """Neither without a window, nor without its number, nor where nobody knows it."""
    with serving(lambda _: Told(status=404, body='{"message": "Not Found"}')) as url:
        assert ticket(tmp_path, url, records) == (wrong,)


def test_the_token_goes_with_the_request_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tracker that refuses it could not be looked at; an unset variable is named."""
    monkeypatch.setenv("TICKET_TOKEN", "a-token-of-the-tracker")
    seen: list[str] = []

    def answer(request: Request) -> Told:
        seen.append(request.headers.get("authorization", ""))
        return Told(status=401)

    with serving(answer) as url:
        with pytest.raises(CouldNotLook) as refused:
            ticket(tmp_path, url, DURING, 'token_from = "TICKET_TOKEN"\n')
        assert seen == ["Bearer a-token-of-the-tracker"]
        assert refused.value.why == "the ticket's address: answers 401"
        assert "a-token-of" not in "".join(one.text for one in refused.value.evidence)
        monkeypatch.delenv("TICKET_TOKEN")
        with pytest.raises(CouldNotLook) as refused:
            ticket(tmp_path, url, DURING, 'token_from = "TICKET_TOKEN"\n')
        assert refused.value.why == "the variable TICKET_TOKEN is unset"


def test_a_tickets_name_stays_inside_its_place(tmp_path: Path) -> None:
    """What stands on record leads nowhere else."""
    asked: list[str] = []

    def answer(request: Request) -> Told:
        asked.append(request.path)
        return Told(body='{"state": "closed"}')

    with serving(answer) as url:
        hostile = {"window.toml": window("W-1", NOW - HOUR, NOW + HOUR, ticket="../x?y#z 1")}
        assert ticket(tmp_path, url, hostile) == ()
    assert asked == ["/issues/..%2Fx%3Fy%23z%201"]
