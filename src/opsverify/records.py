"""Records: what only people know, as TOML files. So far the break-glass record."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from opsverify.check import Stage
from opsverify.environment import Table, end_of
from opsverify.loading import findings

Text = Annotated[str, Field(min_length=1)]


class BadRecord(Exception):
    """A record cannot be used; the text names file, key and what was expected."""


class Override(Table):
    """A break-glass record: someone lets a deployment through against the gate, and answers for it."""

    kind: Literal["override"] = "override"
    who: Text
    why: Text
    ticket: Text
    until: AwareDatetime | date
    """In force to the end of that day UTC, or to that time."""
    target: str | None = None
    """Only for this environment, where given; likewise the next two."""
    stage: Stage | None = None
    release: str | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it still holds at that moment."""
        return now < end_of(self.until)


def load_override(path: Path) -> Override:
    """Read a break-glass record.

    Raises:
        BadRecord: it cannot be read, or something is missing in it.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return Override.model_validate(table)
    except OSError as error:
        raise BadRecord(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRecord(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise BadRecord("\n".join(f"{path}: {one}" for one in findings(error, table, Override))) from None
