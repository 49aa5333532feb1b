"""What is written down with a backup when it is made, so that a restore can be held against it.

A backup job counts in the snapshot that it dumps, and writes a JSON file beside the dump.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, LiteralString

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    import psycopg

    Session = psycopg.Connection[Any]


class BadManifest(Exception):
    """A manifest cannot be read; the text says why."""


class Counted(BaseModel):
    """What a table holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: Annotated[int, Field(ge=0)]
    sums: dict[str, str | None] = Field(default_factory=dict)
    """By column: the sum of its numbers, or of its texts' bytes. None where all are NULL."""


class Contents(BaseModel):
    """What a database holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tables: dict[str, Counted]
    """By `schema.table`."""
    sequences: dict[str, int | None] = Field(default_factory=dict)
    """Last value by `schema.sequence`; None: it was not used yet."""
    constraints: tuple[str, ...] = ()
    """`schema.table.constraint`."""
    extensions: dict[str, str] = Field(default_factory=dict)
    """Version by name."""


class Manifest(BaseModel):
    """What was written down with a backup."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    kind: Annotated[Literal["opsverify.backup/1"], Field(alias="schema")] = "opsverify.backup/1"
    taken: AwareDatetime
    database: str | None = None
    server: str | None = None
    """Its version."""
    release: str | None = None
    window: str | None = None
    """For which deployment or window it was made, where it was made for one."""
    size: int | None = None
    """Bytes of the file."""
    sha256: str | None = None
    """Digest of the file, in hex."""
    contents: Contents | None = None


def parse(text: bytes) -> Manifest:
    """A manifest from its file.

    Raises:
        BadManifest: it is none.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadManifest(f"{place}: {first['msg']}" if place else first["msg"]) from None


def contents(session: Session) -> Contents:
    """What a database holds now, for its tables that are its own.

    Raises:
        psycopg.Error: it cannot be read.
    """
    return Contents(
        tables={name: _count(session, name, columns) for name, columns in _columns(session).items()},
        sequences={str(name): value for name, value in session.execute(_SEQUENCES).fetchall()},
        constraints=tuple(str(name) for (name,) in session.execute(_CONSTRAINTS).fetchall()),
        extensions={str(name): str(version) for name, version in session.execute(_EXTENSIONS).fetchall()},
    )


def manifest(session: Session, taken: datetime, **more: Any) -> str:
    """The text of a manifest for a dump that is made in this session's snapshot.

    Args:
        session: reads the database, in the transaction whose snapshot the dump uses.
        taken: when the dump was begun.
        more: fields beside: release, window, size, sha256.

    Raises:
        psycopg.Error: the database cannot be read.
    """
    found = Manifest(
        taken=taken,
        database=session.info.dbname,
        server=str(session.info.server_version),
        contents=contents(session),
        **more,
    )
    return found.model_dump_json(by_alias=True, indent=1) + "\n"


def _columns(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Columns that can be summed, by table: their quoted name and what is summed."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, category in session.execute(_TABLES).fetchall():
        columns = found.setdefault(str(table), [])
        if column is not None:
            columns.append((str(column), str(category)))
    return found


def _count(session: Session, table: str, columns: list[tuple[str, str]]) -> Counted:
    sums = [
        f"sum({name})::text" if category == "N" else f"sum(octet_length({name}))::text"
        for name, category in columns
    ]
    # Names come quoted from the catalogue.
    query = f"SELECT count(*), {', '.join(sums)} FROM {table}" if sums else f"SELECT count(*) FROM {table}"  # noqa: S608
    row = session.execute(query.encode()).fetchone()
    rows, *values = row if row is not None else (0,)
    return Counted(rows=rows, sums={name: value for (name, _), value in zip(columns, values, strict=True)})


_OWN: LiteralString = """
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend AS e
        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
"""

_TABLES: LiteralString = (
    """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(a.attname),
    CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
        THEN 'N' ELSE 'S' END
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN (
    'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
    'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype)
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND"""
    + _OWN
    + "ORDER BY 1, a.attnum"
)
_SEQUENCES: LiteralString = (
    """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_sequence_last_value(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND"""
    + _OWN
    + "ORDER BY 1"
)
_CONSTRAINTS: LiteralString = (
    """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(o.conname)
FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE o.contype <> 'n' AND o.conparentid = 0 AND"""
    + _OWN
    + "ORDER BY 1"
)
_EXTENSIONS: LiteralString = (
    "SELECT extname, extversion FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
)
