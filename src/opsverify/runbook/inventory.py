"""The inventory of a runbook: each of its items by its digest, with a title in our own words.

It holds no sentence of the runbook. That of the project's own runbook is the one source of the
anchors and slugs that checks name.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from opsverify.runbook.document import Kind

OWN = Path(__file__).with_name("inventory.toml")
"""That of the runbook which the checks verify."""

TO_DO = "TODO"
"""Title of an item that nobody has named yet; nothing is judged by an inventory with one."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KnownItem(_Table):
    """An item as the inventory has it."""

    slug: Slug
    """By which checks name it."""
    anchor: str
    kind: Kind
    title: Sentence
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    none: Sentence | None = None
    """Why no check is about it."""
    planned: tuple[str, ...] = ()
    """Ids of checks that will be."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> KnownItem:
        if self.none is not None and self.planned:
            raise ValueError(f"{self.slug} has both none and planned, expected one of them")
        return self


class Inventory(_Table):
    """All that a runbook says, in its order."""

    version: Annotated[Literal[1], Field(alias="schema")]
    sections: tuple[str, ...]
    """Anchor of every heading."""
    items: tuple[KnownItem, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Inventory:
        seen: set[str] = set()
        for item in self.items:
            if item.slug in seen:
                raise ValueError(f"the slug {item.slug} stands twice")
            seen.add(item.slug)
            if item.anchor and item.anchor not in self.sections:
                raise ValueError(f"{item.slug}: {item.anchor!r} is not among the sections")
        return self

    @property
    def untitled(self) -> tuple[str, ...]:
        """Slugs of the items that nobody has named yet."""
        return tuple(item.slug for item in self.items if item.title == TO_DO)


class BadInventory(Exception):
    """An inventory cannot be used; the text says which file and why."""


def read(file: Path) -> Inventory:
    """Read an inventory.

    Raises:
        BadInventory: it is not there, no TOML, or breaks the model.
    """
    try:
        return Inventory.model_validate(tomllib.loads(file.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise BadInventory(f"{file.name}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInventory(f"{file.name}: byte {error.start} is not UTF-8") from None
    except OSError as error:
        raise BadInventory(f"{file.name}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInventory(f"{file.name}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise BadInventory(
            "; ".join(f"{file.name}: {_sentence(one['loc'], one['msg'])}" for one in error.errors())
        ) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(f"#{part + 1}" if isinstance(part, int) else part for part in place)
    said = message.removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def as_text(inventory: Inventory) -> str:
    """An inventory as a file."""
    import tomli_w

    return HEAD + tomli_w.dumps(inventory.model_dump(mode="json", by_alias=True, exclude_defaults=True))


HEAD = """\
# The runbook's items: section, kind, digest of the words, and a title of our own; no sentence of the runbook.
# Drift, and new digests after a change that was seen to: python -m opsverify inventory RUNBOOK [--write FILE]
# none = why no check is about it; planned = checks that are to come; else a check names the slug in covers.

"""
