"""All records of an environment, and whether one counts by the environment's policy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from opsverify.environment import Environment, RecordRule
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.looking import CouldNotLook
from opsverify.moments import span, utc
from opsverify.records.kinds import Attestation, Override, Record
from opsverify.records.postmortem import from_markdown, is_post_mortem
from opsverify.records.reading import AnyRecord, BadRecord, parse
from opsverify.records.sources import Committed, Folder, source_of

R = TypeVar("R", bound=Record)

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far in the future a record may lie: whoever wrote it has another clock."""


@dataclass(frozen=True)
class Kept(Generic[R]):
    """A record, and the file it stands in."""

    record: R
    file: str
    text: bytes

    def __str__(self) -> str:
        """`attestations/plan.toml: release-manager, 2026-11-24 14:05 UTC, https://…`."""
        link = f", {self.record.link}" if self.record.link else ""
        return one_line(f"{self.file}: {self.record.who}, {utc(self.record.when)}{link}", at_most=400)

    @property
    def evidence(self) -> Evidence:
        """The file as it stands."""
        return Evidence(f"record {self.file}", harmless(self.text))


@dataclass(frozen=True)
class Proof:
    """What stands on record for an item, or why nothing that stands there counts."""

    kept: Kept[Attestation] | None
    missing: str | None


class Book:
    """The records of one environment.

    Args:
        source: where they are.
        rules: what makes one count.
        target: name of the environment; records for another are left out. None: none are.

    Raises:
        CouldNotLook: they cannot be read.
    """

    def __init__(self, source: Folder | Committed, rules: Iterable[RecordRule], target: str | None) -> None:
        self.source = source
        self._rules = tuple(rules)
        self._signatures: dict[str, str | None] = {}
        self.bad: list[str] = []
        """What is wrong with files that hold no valid record."""
        self._unread: list[tuple[str, bytes, str]] = []
        self._kept: list[Kept[Record]] = []
        self.overrides: list[Override] = []
        for file, text in source.files():
            try:
                record = _read(file, text)
            except BadRecord as error:
                self.bad += str(error).splitlines()
                self._unread.append((file, text, str(error)))
                continue
            if record is None or (target is not None and record.target not in (None, target)):
                continue
            if isinstance(record, Override):
                self.overrides.append(record)
            else:
                self._kept.append(Kept(record, file, text))

    def of(self, kind: type[R]) -> list[Kept[R]]:
        """The records of one kind, the newest first."""
        found = [Kept(one.record, one.file, one.text) for one in self._kept if isinstance(one.record, kind)]
        return sorted(found, key=lambda one: (one.record.when, one.file), reverse=True)

    def counting(self, kind: type[R], now: datetime) -> list[Kept[R]]:
        """Those that count by the environment's policy.

        Raises:
            CouldNotLook: a signature cannot be verified: no git, or a shallow clone.
        """
        return [one for one in self.of(kind) if self.flaw(one, now) is None]

    def bad_of(self, kind: type[Record]) -> list[str]:
        """What is wrong with files that are meant as records of one kind, as far as can be told."""
        name = str(kind.model_fields["kind"].default)
        return [why for file, text, why in self._unread if _meant_as(file, text) == name]

    def flaw(self, kept: Kept[R], now: datetime) -> str | None:
        """Why a record does not count, or None when it does.

        Args:
            kept: the record.
            now: the present moment.

        Raises:
            CouldNotLook: its signature cannot be verified: no git, or a shallow clone.
        """
        record = kept.record
        if record.when > now + CLOCKS_DIFFER_BY:
            return f"it lies in the future ({utc(record.when)})"
        for rule in self._rules_for(record):
            if rule.by and record.who not in rule.by:
                return f"{one_line(record.who)} may not write it (allowed: {', '.join(rule.by)})"
            hours = rule.holds_for_hours
            if hours is not None and now - record.when > timedelta(hours=hours):
                return f"it is {span(now - record.when)} old and holds for {hours:g} h"
            if rule.signed and (why := self._signed_by(kept)) is not None:
                return why
        return None

    def proof(self, what: str, now: datetime, **about: str | None) -> Proof:
        """What stands on record for an item.

        Args:
            what: the item: `rollback plan`.
            now: the present moment.
            about: for which release, window, incident, engineer or service it has to be.

        Raises:
            CouldNotLook: a signature cannot be verified: no git, or a shallow clone.
        """
        named = self._named(what)
        fitting = [one for one in named if _is_about(one.record, about)]
        flawed: list[str] = []
        for one in fitting:
            flaw = self.flaw(one, now)
            if flaw is None:
                return Proof(one, None)
            flawed.append(f"{what} ({one_line(one.file)}): {flaw}")
        if flawed:
            return Proof(None, flawed[0])
        subject = " ".join(f"{key} {of}" for key, of in about.items() if of)
        others = sorted({_about(one.record, about) for one in named})
        only = (f" (only for {', '.join(others)})" if others else "") + self.unreadable
        return Proof(None, f"{what}: not on record{f' for {subject}' if subject else ''}{only}")

    def proofs(self, what: str, now: datetime, **about: str | None) -> list[Kept[Attestation]]:
        """All that stands on record for an item and counts, the newest first; arguments as of `proof`.

        Raises:
            CouldNotLook: a signature cannot be verified: no git, or a shallow clone.
        """
        fitting = [one for one in self._named(what) if _is_about(one.record, about)]
        return [one for one in fitting if self.flaw(one, now) is None]

    def _named(self, what: str) -> list[Kept[Attestation]]:
        return [one for one in self.of(Attestation) if _same(one.record.what, what)]

    @property
    def unreadable(self) -> str:
        """What is wrong with files that hold no record, in brackets, or nothing; to end a sentence with."""
        return f" ({len(self.bad)} findings in unreadable records: {self.bad[0]})" if self.bad else ""

    def _rules_for(self, record: Record) -> list[RecordRule]:
        return [
            rule
            for rule in self._rules
            if rule.kind == record.kind
            and (rule.what is None or (isinstance(record, Attestation) and _same(rule.what, record.what)))
        ]

    def _signed_by(self, kept: Kept[R]) -> str | None:
        if kept.file not in self._signatures:
            signature = self.source.signature(kept.file, kept.text, kept.record.who)
            why = signature.why or None
            if signature.by is not None and signature.by != kept.record.who:
                why = f"it names {one_line(kept.record.who)} and is signed by {one_line(signature.by)}"
            self._signatures[kept.file] = why
        return self._signatures[kept.file]


def book(environment: Environment) -> Book:
    """The records of an environment, read once a run.

    Raises:
        CouldNotLook: it names none, or they cannot be read.
    """
    table = environment.records
    if table is None:
        raise CouldNotLook("records", f"the environment {environment.name} declares none")
    rules, target = table.rules, environment.name
    return environment.once("records", lambda: Book(source_of(environment, table), rules, target))


def _read(file: str, text: bytes) -> AnyRecord | None:
    """The record in a file; None for a document that is none."""
    if file.endswith(".md"):
        return from_markdown(text, file) if is_post_mortem(text) else None
    return parse(text, file)


def _meant_as(file: str, text: bytes) -> str | None:
    """The kind of record that a file is meant as, also where it is no valid TOML."""
    if file.endswith(".md"):
        return "post-mortem"
    said = _KIND.search(text)
    return None if said is None else said[1].decode("ascii")


_KIND = re.compile(rb"""(?m)^[ \t]{0,80}"?kind"?[ \t]{0,80}=[ \t]{0,80}["']([a-z-]{1,40})["']""")


def _same(one: str, other: str) -> bool:
    return " ".join(one.casefold().replace("-", " ").split()) == " ".join(
        other.casefold().replace("-", " ").split()
    )


def _is_about(record: Attestation, about: dict[str, str | None]) -> bool:
    return all(getattr(record, key) == of for key, of in about.items())


def _about(record: Attestation, about: dict[str, str | None]) -> str:
    return (
        one_line(" ".join(f"{key} {getattr(record, key) or '–'}" for key in about), at_most=60) or "nothing"
    )
