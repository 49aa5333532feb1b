"""What the probes of the api's interface see: taxonomy in pages, signatures, bad input, no answer."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from opsverify import webhooks
from opsverify.journeys import events
from opsverify.looking import CouldNotLook
from opsverify.probes import api
from tests.opsverify.stub import Asked, Told, environment, serving

SECRET = "whsec_of_today"
MASKS = [{"id": f"mask-{number}", "name": f"Mask {number}"} for number in range(1, 6)]


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("JWT_SECRET", "a secret of more than thirty-two characters")


def taxonomy(folder: Path, masks: object, *, page: int = 100, enveloped: bool = True) -> api.Taxonomy:
    """The taxonomy of an api that serves these masks, and nothing of the rest."""

    def answer(asked: Asked) -> Told:
        entries = masks if asked.path.startswith("/v1/taxonomy/masks") else []
        if not enveloped or not isinstance(entries, list):
            return Told(200, json.dumps(entries))
        offset = int(asked.path.partition("offset=")[2] or 0)
        data = entries[offset : offset + page]
        return Told(200, json.dumps({"ok": True, "data": data, "total": len(entries)}))

    with serving(answer) as url:
        target = environment(folder, {"api": url})
        return api.taxonomy(target, target.services[0])


@pytest.mark.parametrize("page", [2, 100])
def test_a_list_is_read_to_its_end(tmp_path: Path, page: int) -> None:
    """In as many pages as it comes in."""
    seen = taxonomy(tmp_path, MASKS, page=page)
    assert seen.served == {"masks": 5, "epochs": 0, "stages": 0}
    assert seen.defects == ()


def test_a_list_needs_no_envelope(tmp_path: Path) -> None:
    """A bare list is one too."""
    assert taxonomy(tmp_path, MASKS, enveloped=False).served["masks"] == 5


def test_each_defect_is_named(tmp_path: Path) -> None:
    """Twice the same id, fields that are missing, empty or no text, and what is no object."""
    seen = taxonomy(tmp_path, [*MASKS, MASKS[0], {"id": "x"}, {"id": "y", "name": " "}, {"name": "z"}, 7])
    assert seen.defects == (
        "masks mask-1: stands twice",
        "masks x: no name",
        "masks y: no name",
        "masks #9: no id",
        "masks #10: no object",
    )


def test_what_is_no_list_is_said(tmp_path: Path) -> None:
    """It is no number to compare."""
    assert taxonomy(tmp_path, {"oops": 1}).served["masks"] == "no list"


def signatures(folder: Path, *, tolerance: float = 300, compare: bool = True, refusal: int = 401) -> set[str]:
    """What a webhook did not refuse.

    Args:
        folder: for the environment file.
        tolerance: age in seconds that it accepts.
        compare: whether it compares signatures at all.
        refusal: status of its refusals.
    """

    def answer(asked: Asked) -> Told:
        parts = dict(one.partition("=")[::2] for one in asked.headers.get("stripe-signature", "").split(","))
        if "t" not in parts or "v1" not in parts:
            return Told(refusal)
        payload = parts["t"].encode() + b"." + asked.body
        right = parts["v1"] == hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()
        fresh = time.time() - int(parts["t"]) <= tolerance
        return Told(200 if fresh and (right or not compare) else refusal)

    with serving(answer) as url:
        target = environment(folder, {"api": url}, "[auth]\n")
        return {one.partition(":")[0] for one in api.signatures(target, target.services[0]).not_refused}


def test_a_webhook_that_checks_refuses_all(tmp_path: Path) -> None:
    """No false alarm."""
    assert signatures(tmp_path) == set()


def test_a_stale_signature_is_noticed(tmp_path: Path) -> None:
    """It is a right one but for its age."""
    assert signatures(tmp_path, tolerance=1e9) == {"stale"}


def test_signatures_that_are_not_compared_are_noticed(tmp_path: Path) -> None:
    """Everything that has the form gets in."""
    expected = {"forged", "forged, of an empty secret", "another event's", "with another time"}
    assert signatures(tmp_path, compare=False) == expected


@pytest.mark.parametrize("refusal", [400, 404, 500])
def test_only_401_is_a_refusal(tmp_path: Path, refusal: int) -> None:
    """The runbook says so: it proves that the endpoint is up and checks."""
    assert len(signatures(tmp_path, refusal=refusal)) == 9


def test_a_test_event_is_signed_as_the_provider_signs(tmp_path: Path) -> None:
    """Over time and body, with nothing live in it; a good status that says not ok is no success."""
    seen: list[Asked] = []

    def answer(asked: Asked) -> Told:
        seen.append(asked)
        return Told(200, '{"ok":false,"message":"not processed"}')

    with serving(answer) as url:
        target = environment(tmp_path, {"api": url}, "[auth]\n")
        event = events.event(target, target.services[0])
    asked = seen[0]
    time_, _, signature = asked.headers[webhooks.HEADER].removeprefix("t=").partition(",v1=")
    payload = time_.encode() + b"." + asked.body
    assert signature == hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()
    assert json.loads(asked.body)["livemode"] is False
    assert json.loads(asked.body)["id"].startswith("evt_synthetic")
    assert asked.body == json.dumps(json.loads(asked.body), separators=(",", ":")).encode()
    assert (event.status, event.said) == (200, "not processed")


def bad_input(folder: Path, status: int, *, only: str = "") -> tuple[str, ...]:
    """What was not refused by an api that answers so; other paths are answered with 400."""

    def answer(asked: Asked) -> Told:
        return Told(status if only in asked.path else 400)

    with serving(answer) as url:
        target = environment(folder, {"api": url}, "[auth]\n")
        return api.bad_input(target, target.services[0]).not_refused


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_every_client_error_will_do(tmp_path: Path, status: int) -> None:
    """Which one is the api's own business."""
    assert bad_input(tmp_path, status) == ()


def test_what_is_no_client_error_is_listed(tmp_path: Path) -> None:
    """Success is none either."""
    assert bad_input(tmp_path, 500, only="/subscription/") == ("malformed id of a subscription: 500",)
    assert len(bad_input(tmp_path, 200)) == 9


def test_no_bad_input_could_be_written(tmp_path: Path) -> None:
    """All bodies are broken, or of a kind that is no profile."""
    bodies: list[bytes] = []

    def answer(asked: Asked) -> Told:
        bodies.append(asked.body)
        return Told(201)

    with serving(answer) as url:
        target = environment(tmp_path, {"api": url}, "[auth]\n")
        api.bad_input(target, target.services[0])
    for body in filter(None, bodies):
        try:
            parsed = json.loads(body)
        except ValueError:
            continue
        assert isinstance(parsed, list)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_not_available_is_no_answer(tmp_path: Path, status: int) -> None:
    """Nothing is known of the flow then."""
    with serving(lambda _: Told(status)) as url:
        target = environment(tmp_path, {"api": url}, "[auth]\n")
        for probe in (api.taxonomy, api.signatures, api.bad_input):
            with pytest.raises(CouldNotLook, match=f"api: it is not available .{status}"):
                probe(target, target.services[0])
