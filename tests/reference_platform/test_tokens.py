"""How long the api's tokens may live: an hour, or a quarter where a person keeps them."""

from __future__ import annotations

import pytest

from opsverify.tokens import mint
from reference_platform.services.errors import Refused
from reference_platform.services.tokens import verify

SECRET = "9vR2mX8kQ4wZ7pL3nB6cF1hJ5dG0sYaU"
NOW = 1_800_000_000
HOUR, DAY = 60 * 60, 24 * 60 * 60


def lives(seconds: int, **claims: str) -> str:
    """A token that lives so long from now on."""
    issuer = {"iss": "in-midst-my-life-api", "aud": "in-midst-my-life-api"}
    return mint({**issuer, "sub": "somebody", "iat": NOW, "exp": NOW + seconds, **claims}, SECRET)


@pytest.mark.parametrize(("seconds", "claims"), [(HOUR, {}), (90 * DAY, {"use": "personal"})])
def test_up_to_its_longest_life_a_token_is_taken(seconds: int, claims: dict[str, str]) -> None:
    """By its use."""
    assert verify(lives(seconds, **claims), SECRET, now=NOW).subject == "somebody"


@pytest.mark.parametrize(
    ("seconds", "claims"),
    [(HOUR + 60, {}), (DAY, {"use": "session"}), (90 * DAY + 60, {"use": "personal"})],
)
def test_one_that_would_live_longer_is_refused(seconds: int, claims: dict[str, str]) -> None:
    """Whoever signed it."""
    with pytest.raises(Refused):
        verify(lives(seconds, **claims), SECRET, now=NOW)
