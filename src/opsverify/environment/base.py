"""What all tables of an environment file have in common."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

from opsverify.check import SUBJECT

Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, Field(pattern=SUBJECT)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Table(BaseModel):
    """A table of the environment file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    def takes_secrets_from(self) -> list[str]:
        """Names of the variables that this table takes secrets from."""
        names = [getattr(self, field) for field in type(self).model_fields if field.endswith("_from")]
        return [name for name in names if name is not None]


def http_address(url: str) -> str:
    """A checked address, without a slash at its end.

    Raises:
        ValueError: it is none, or it holds credentials.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an http:// or https:// address")
    if parts.query or parts.fragment:
        raise ValueError("expected an address without ? and #")
    if parts.username or parts.password:
        raise ValueError("expected an address without credentials: an environment file holds no secret")
    _ = parts.port  # raises ValueError when it is none
    return url.rstrip("/")
