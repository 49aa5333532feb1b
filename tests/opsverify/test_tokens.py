"""Tokens are what any verifier of JSON Web Tokens takes, and the wrong ones are wrong in one thing only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from opsverify.environment import Environment
from opsverify.loading import load
from opsverify.looking import CouldNotLook
from opsverify.tokens import ADMIN, Mint, anybody, mint, unsigned

SECRET = "a secret of more than thirty-two characters"


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, claims and signature of a token, decoded by the book (RFC 7515, 2)."""
    header, claims, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    return json.loads(header), json.loads(claims), signature


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment that says how tokens are made."""
    monkeypatch.setenv("JWT_SECRET", SECRET)
    file = tmp_path / "e.toml"
    file.write_text(
        'schema = 1\nname = "e"\nprotected = false\n[auth]\naudience = "there"\n', encoding="utf-8"
    )
    return load(file)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of RFC 7515, A.1: its key over its header and payload gives its signature."""
    key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    signed = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    made = base64.urlsafe_b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")
    assert made == b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def test_a_minted_token_is_signed_over_header_and_claims() -> None:
    """Any verifier finds the same signature."""
    token = mint({"sub": "ä"}, SECRET)
    header, claims, signature = parts(token)
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims == {"sub": "ä"}
    signed = token.rpartition(".")[0].encode()
    assert signature == hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    assert "=" not in token


@pytest.mark.parametrize("algorithm", ["none", "None"])
def test_an_unsigned_token_ends_with_its_dot(algorithm: str) -> None:
    """Its signature is the empty string (RFC 7519, 6.1)."""
    header, claims, signature = parts(unsigned({"sub": "x"}, algorithm=algorithm))
    assert (header["alg"], claims, signature) == (algorithm, {"sub": "x"}, b"")


def test_a_token_says_what_the_environment_asks_for(environment: Environment) -> None:
    """Issuer, audience, a short life, and whom it speaks for."""
    person = anybody(ADMIN)
    _, claims, _ = parts(Mint(environment).token(person))
    assert (claims["iss"], claims["aud"]) == ("in-midst-my-life-api", "there")
    assert (claims["sub"], claims["profileId"]) == (person.sub, person.profile)
    assert claims["permissions"] == [ADMIN]
    assert 0 < claims["exp"] - claims["iat"] < 3600


def test_no_two_tokens_are_the_same(environment: Environment) -> None:
    """Each has an id of its own, and each person is nobody else."""
    mint = Mint(environment)
    person = anybody()
    assert mint.token(person) != mint.token(person)
    assert anybody().profile != person.profile


def test_a_token_is_masked(environment: Environment) -> None:
    """Plain and inside a base64 text."""
    token = Mint(environment).token(anybody())
    wrapped = base64.b64encode(f"x:{token}".encode()).decode()
    masked = environment.masker.mask(f"{token} {wrapped}")
    assert token not in masked
    assert wrapped[20:60] not in masked


def test_without_a_secret_no_token_is_made(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not look, and names the variable."""
    monkeypatch.delenv("JWT_SECRET")
    with pytest.raises(CouldNotLook, match="the variable JWT_SECRET is unset"):
        Mint(environment)
    with pytest.raises(CouldNotLook, match="declares none"):
        Mint(environment.model_copy(update={"auth": None}))
