"""SMK-04 names each kind of token that gets in, on each route, and nothing when all are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsverify.looking import CouldNotLook
from opsverify.probes import access
from tests.opsverify.stub import Asked, Told, environment, serving

SECRET = "the secret of today, of more than thirty-two characters"
PREVIOUS = "the secret of yesterday, of more than thirty-two characters"
OWNER = {"id": "3d3c7f2e-0000-4000-8000-000000000001", "identityId": "3d3c7f2e-0000-4000-8000-000000000002"}
AUTH = '[auth]\nprevious_secret_from = "JWT_SECRET_PREVIOUS"\n'
CHECKS = ("signature", "algorithm", "expiry", "audience", "issuer", "owner", "admin")

Answer = Callable[[Asked], Told]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    monkeypatch.setenv("JWT_SECRET_PREVIOUS", PREVIOUS)


def api(*, checks: tuple[str, ...] = CHECKS, secrets: tuple[str, ...] = (SECRET,), open_: str = "") -> Answer:
    """An api that checks this of a token, and takes these secrets; one of its paths may be open to all."""

    def answer(asked: Asked) -> Told:
        if open_ and asked.path.startswith(open_):
            return Told(200, "{}")
        claims = _verified(asked.headers.get("authorization", ""), checks, secrets)
        if claims is None:
            return Told(401, '{"ok":false}')
        if asked.path.startswith("/v1/profiles?"):
            return Told(200, json.dumps({"ok": True, "data": [OWNER], "total": 1}))
        is_admin = "admin:access" in claims["permissions"]
        if "/admin/" in asked.path:
            return Told(200 if is_admin or "admin" not in checks else 403, "{}")
        return Told(200 if claims["profileId"] == OWNER["id"] or "owner" not in checks else 403, "{}")

    return answer


def _verified(header: str, checks: tuple[str, ...], secrets: tuple[str, ...]) -> dict[str, Any] | None:
    head, _, rest = header.removeprefix("Bearer ").partition(".")
    body, _, signature = rest.partition(".")
    if not body:
        return None
    signed = f"{head}.{body}".encode()
    right = {_part(hmac.digest(one.encode(), signed, hashlib.sha256)) for one in secrets}
    says_none = json.loads(_decoded(head))["alg"].lower() == "none"
    claims: dict[str, Any] = json.loads(_decoded(body))
    held = {
        "signature": signature in right or (says_none and "algorithm" not in checks),
        "algorithm": not says_none,
        "expiry": claims["exp"] > time.time(),
        "audience": claims["aud"] == "in-midst-my-life-api",
        "issuer": claims["iss"] == "in-midst-my-life-api",
    }
    return claims if all(kept for name, kept in held.items() if name in checks) else None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def accepted(folder: Path, answer: Answer, more: str = AUTH) -> set[str]:
    """The kinds of token that were accepted on all routes of a kind, or `kind on route`."""
    with serving(answer) as url:
        target = environment(folder, {"api": url}, more)
        return set(access.tokens(target, target.services[0]).accepted)


def kinds(found: set[str]) -> set[str]:
    """Without routes."""
    return {one.partition(" on ")[0] for one in found}


def test_an_api_that_checks_everything_accepts_none(tmp_path: Path) -> None:
    """No false alarm."""
    assert accepted(tmp_path, api()) == set()


@pytest.mark.parametrize(
    ("unchecked", "expected"),
    [
        ("expiry", {"expired token"}),
        ("audience", {"token for another audience"}),
        ("issuer", {"token of another issuer"}),
        ("owner", {"another person's token"}),
        ("admin", {"another person's token"}),
        ("algorithm", {"token with alg none", "token with alg None", "token with alg none and a signature"}),
        (
            "signature",
            {
                "wrongly signed token",
                "token signed with an empty secret",
                "token signed with the previous secret",
            },
        ),
    ],
)
def test_what_an_api_does_not_check_is_named(tmp_path: Path, unchecked: str, expected: set[str]) -> None:
    """Each check that is missing lets in exactly its kind of token."""
    found = accepted(tmp_path, api(checks=tuple(one for one in CHECKS if one != unchecked)))
    assert kinds(found) == expected


def test_the_previous_secret_is_tried(tmp_path: Path) -> None:
    """Where one is named; elsewhere nothing of it is asked."""
    lax = api(secrets=(SECRET, PREVIOUS))
    assert kinds(accepted(tmp_path, lax)) == {"token signed with the previous secret"}
    assert accepted(tmp_path, lax, "[auth]\n") == set()


def test_an_open_route_is_named_alone(tmp_path: Path) -> None:
    """Every kind gets in there, and nowhere else."""
    found = accepted(tmp_path, api(open_="/v1/billing/"))
    assert {one.partition(" on ")[2] for one in found} == {"/v1/billing/subscription/{profile}: 200"}
    assert "anonymous on /v1/billing/subscription/{profile}: 200" in found


def test_refusals_prove_nothing_where_the_right_token_is_refused_too(tmp_path: Path) -> None:
    """It could not look, and says what to compare."""
    with pytest.raises(CouldNotLook, match="a right token is refused") as error:
        accepted(
            tmp_path,
            api(secrets=("another secret of more than thirty-two characters",), open_="/v1/profiles?"),
        )
    assert "Compare" in str(error.value)


def test_nothing_of_a_profile_that_is_somebodys_is_kept(tmp_path: Path) -> None:
    """Neither body stands in the evidence, and no token does."""

    def answer(asked: Asked) -> Told:
        told = api()(asked)
        return Told(told.status, told.body if "?" in asked.path else '{"displayName":"Somebody Real"}')

    with serving(answer) as url:
        target = environment(tmp_path, {"api": url}, AUTH)
        text = "".join(one.text for one in access.tokens(target, target.services[0]).evidence)
    assert "Somebody" not in text
    assert OWNER["identityId"] not in text
    assert "eyJ" not in text


def test_without_any_profile_nothing_can_be_somebody_elses(tmp_path: Path) -> None:
    """The admins' routes are asked all the same."""

    def answer(asked: Asked) -> Told:
        told = api(checks=tuple(one for one in CHECKS if one != "expiry"))(asked)
        return Told(told.status, '{"ok":true,"data":[],"total":0}')

    found = accepted(tmp_path, answer)
    assert found == {"expired token on /v1/admin/service-status: 200"}
