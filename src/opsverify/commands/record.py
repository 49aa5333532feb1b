"""`python -m opsverify record`: writes, lists and validates records."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import tomli_w
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from opsverify.commands.keeping import Unwritten, commit, write_new
from opsverify.commands.target import Named, add_target, named_target
from opsverify.evidence import one_line
from opsverify.looking import CouldNotLook
from opsverify.records import KINDS, BadRecord, Book, Incident, Record, parse

VERBS = ("list", "check")


def add_parser(commands: Any) -> None:
    """Declare the command: a kind of record, each with its own options; or list, or check."""
    record = commands.add_parser("record", help="write, list or validate records")
    kinds = record.add_subparsers(dest="kind", required=True, metavar="KIND|list|check")
    listing = kinds.add_parser("list", help="what is on record, and whether it counts")
    listing.add_argument("--kind", dest="only", choices=sorted(KINDS), help="only records of this kind")
    add_target(listing, "folder")
    check = kinds.add_parser("check", help="say what is wrong with records")
    check.add_argument("paths", nargs="*", type=Path, metavar="FILE", help="these files; else the target's")
    add_target(check, "folder")
    for kind, model in KINDS.items():
        one = kinds.add_parser(kind, help=(model.__doc__ or "").strip().splitlines()[0])
        add_target(one, "folder")
        one.add_argument(
            "--git-commit", action="store_true", help="commit it, signed where policy asks for it"
        )
        one.add_argument("--print", action="store_true", dest="only_print", help="print it, write nothing")
        if kind == "post-mortem":
            one.add_argument("--new", action="store_true", help="write the template, to be filled in by hand")
        for name, field in model.model_fields.items():
            if name not in {"kind", "target"}:
                repeated = {"action": "append"} if _is_many(field) else {}
                one.add_argument(f"--{name.replace('_', '-')}", metavar=_metavar(field), **repeated)


def run(asked: argparse.Namespace) -> int:
    """Run the command; 0, or 4 with what is wrong on stderr."""
    try:
        if asked.kind == "list":
            return _list(asked)
        if asked.kind == "check":
            return _check(asked)
        return _write(asked)
    except (Unwritten, CouldNotLook, BadRecord) as error:
        print(error, file=sys.stderr)
        return 4
    except (KeyboardInterrupt, EOFError):
        print("\nnothing was written", file=sys.stderr)
        return 2


def _list(asked: argparse.Namespace) -> int:
    book, _ = _book(asked)
    now = datetime.now(UTC)
    kept = [one for one in book.of(Record) if asked.only in (None, one.record.kind)]
    rows = [
        (
            one.record.kind,
            one_line(one.record.title, at_most=40),
            one_line(one.record.who, at_most=30),
            f"{one.record.when.astimezone(UTC):%Y-%m-%d %H:%M}",
            book.flaw(one, now) or "counts",
            one_line(one.file),
        )
        for one in kept
    ]
    heads = ("KIND", "ABOUT", "WHO", "WHEN (UTC)", "BY POLICY", "FILE")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for finding in book.bad:
        print(finding, file=sys.stderr)
    return 0


def _check(asked: argparse.Namespace) -> int:
    findings: list[str] = []
    if asked.paths:
        for path in asked.paths:
            try:
                parse(path.read_bytes(), str(path))
            except BadRecord as error:
                findings += str(error).splitlines()
            except OSError as error:
                findings.append(f"{path}: {error.strerror}")
        count = len(asked.paths)
    else:
        book, _ = _book(asked)
        kept, now = book.of(Record), datetime.now(UTC)
        flaws = ((one.file, book.flaw(one, now)) for one in kept)
        findings = [*book.bad, *(f"{one_line(file)}: {flaw}" for file, flaw in flaws if flaw)]
        count = len(kept) + len(book.overrides) + len(book.bad)
    for finding in findings:
        print(finding, file=sys.stderr)
    if findings:
        return 4
    print(f"{count} records, all well formed" + ("" if asked.paths else "; all count by policy"))
    return 0


def _book(asked: argparse.Namespace) -> tuple[Book, Named]:
    named = named_target(asked)
    return named.book(), named


def _write(asked: argparse.Namespace) -> int:
    model = KINDS[asked.kind]
    given = _given(asked, model)
    if asked.kind == "post-mortem" and asked.new:
        return _write_template(asked, given)
    table: dict[str, Any] = {"kind": asked.kind, **given}
    if "when" in model.model_fields and "when" not in table:
        table["when"] = datetime.now(UTC).replace(microsecond=0)
    _ask_for_missing(table, model)
    text = tomli_w.dumps(table)
    record = parse(text.encode(), "the record")
    if asked.only_print:
        print(text, end="")
        return 0
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    about = re.sub(r"[^a-z0-9.]+", "-", record.title.lower()).strip("-.")[:60] or "record"
    return _keep(asked, f"{asked.kind}/{stamp}-{about}.toml", text)


def _write_template(asked: argparse.Namespace, given: Mapping[str, Any]) -> int:
    from opsverify.records.postmortem import template

    incident = str(given.get("incident") or "")
    if not incident:
        raise Unwritten("missing: --incident=ID, the incident that it is about")
    about = re.sub(r"[^A-Za-z0-9.]+", "-", incident).strip("-.")[:60]
    text = template(_on_record(asked, incident) or incident)
    if asked.only_print:
        print(text, end="")
        return 0
    return _keep(asked, f"post-mortem/{about}.md", text)


def _on_record(asked: argparse.Namespace, incident: str) -> Incident | None:
    """What is known of an incident already: it need not be written again."""
    try:
        found = named_target(asked).book().of(Incident)
    except CouldNotLook:  # then nothing is
        return None
    return next((one.record for one in found if one.record.id == incident), None)


def _keep(asked: argparse.Namespace, name: str, text: str) -> int:
    named = named_target(asked)
    folder = named.folder()
    file = folder / name
    write_new(file, text)
    print(f"{file}: written")
    if asked.git_commit:
        commit(file, signed=named.wants_signature(asked.kind))
    elif named.wants_signature(asked.kind):
        print(f"it counts when it is signed: git -C {folder} add {name} && git -C {folder} commit -S")
    return 0


def _given(asked: argparse.Namespace, model: type[BaseModel]) -> dict[str, Any]:
    """The fields that were named on the command line."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        said = getattr(asked, name, None)
        if said is None or name == "kind":
            continue
        if name == "files" and isinstance(said, list):
            found[name] = dict(map(_digest, said))
        elif isinstance(said, list):
            values = [_value(one, field) for one in said]
            found[name] = _merged(values)
        else:
            found[name] = _value(said, field)
    return found


def _merged(values: list[Any]) -> Any:
    """Several values of one option: a list, or one table of all."""
    if all(isinstance(value, dict) for value in values) and len(values) == 1:
        return values[0]
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value]
    return flat


def _digest(said: str) -> tuple[str, str]:
    """`PATH`, whose text is read, or `PATH=sha256:…`."""
    path, separator, digest = said.rpartition("=sha256:")
    if separator:
        return path, f"sha256:{digest}"
    try:
        return said, "sha256:" + hashlib.sha256(Path(said).read_bytes()).hexdigest()
    except OSError as error:
        raise Unwritten(f"{said}: {error.strerror} (or write PATH=sha256:…)") from None


def _value(said: str, field: FieldInfo) -> Any:
    """What an option means: a time, a number or a table as TOML has it; else text."""
    if said == "now" and _is_time(field):
        return datetime.now(UTC).replace(microsecond=0)
    if _types(field.annotation) <= {str, type(None)}:
        return said
    try:
        return tomllib.loads(f"x = {said}")["x"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return said


def _ask_for_missing(table: dict[str, Any], model: type[BaseModel]) -> None:
    """Ask whoever sits at the terminal for what a record cannot do without.

    Raises:
        Unwritten: nobody does.
    """
    missing = [
        name for name, field in model.model_fields.items() if field.is_required() and name not in table
    ]
    if not missing:
        return
    if not sys.stdin.isatty():
        raise Unwritten("missing: " + ", ".join(f"--{name.replace('_', '-')}" for name in missing))
    for name in missing:
        field = model.model_fields[name]
        while not (said := input(f"{name.replace('_', ' ')} ({_metavar(field)}): ").strip()):
            continue
        table[name] = (
            [_value(one.strip(), field) for one in said.split(",")]
            if _is_list(field)
            else _value(said, field)
        )


def _types(annotation: Any) -> set[Any]:
    if get_origin(annotation) in {Union, UnionType}:
        return {inner for one in get_args(annotation) for inner in _types(one)}
    origin = get_origin(annotation)
    return {origin or annotation}


def _is_time(field: FieldInfo) -> bool:
    return bool({datetime, AwareDatetime} & _types(field.annotation))


def _is_list(field: FieldInfo) -> bool:
    return tuple in _types(field.annotation)


def _is_many(field: FieldInfo) -> bool:
    return bool({tuple, dict} & _types(field.annotation))


def _metavar(field: FieldInfo) -> str:
    types = _types(field.annotation)
    if _is_time(field):
        return "TIME|now"
    if dict in types or tuple in types:
        return "VALUE|TOML"
    return "TEXT" if str in types else "VALUE"
