"""Some tables of an archive, restored without the others."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from opsverify.backups.manifest import Contents, contents
from opsverify.backups.reading import in_public
from opsverify.backups.restoring import restore_archive
from opsverify.backups.tools import newest
from opsverify.evidence import one_line

OF_A_TABLE = ("TABLE DATA", "TABLE", "FK CONSTRAINT", "CONSTRAINT", "DEFAULT")
NEEDED_BY_ALL = (
    "EXTENSION",
    "SCHEMA",
    "TYPE",
    "DOMAIN",
    "FUNCTION",
    "SEQUENCE SET",
    "SEQUENCE OWNED BY",
    "SEQUENCE",
)
ENTRY = re.compile(rf"^\d+; \d+ \d+ ({'|'.join((*OF_A_TABLE, *NEEDED_BY_ALL))}) (\S+) (.+?) \S+$")


def restored_alone(
    archive: Path, tables: Iterable[str], login: dict[str, Any], whole: Contents, folder: Path
) -> Iterator[str]:
    """Restore tables with their keys into an empty database; what then lacks, a phrase each.

    Args:
        archive: a file or folder that pg_restore reads.
        tables: with or without their schema.
        login: of the database.
        whole: what the same archive has when all of it is restored.
        folder: for a list of what is wanted.

    Raises:
        BadBackup, CouldNotLook: it cannot be read.
    """
    import psycopg

    wanted = [in_public(table) for table in tables]
    listed = subprocess.run(
        [newest("pg_restore").path, "--list", str(archive)], capture_output=True, check=False
    ).stdout.decode(errors="replace")
    kept = folder / "wanted"
    kept.write_text(
        "\n".join(line for line in listed.splitlines() if _is_wanted(line, wanted)), encoding="utf-8"
    )
    said = restore_archive(archive, login, f"--use-list={kept}")
    yield from said.errors
    with psycopg.connect(**login, autocommit=True, connect_timeout=5) as session:
        there = contents(session)
    for table in wanted:
        if table not in there.tables:
            yield f"table {one_line(table)} is not in it"
        elif table in whole.tables and there.tables[table] != whole.tables[table]:
            yield (
                f"table {one_line(table)} has {there.tables[table].rows:,} rows alone,"
                f" {whole.tables[table].rows:,} with the others"
            )


def _is_wanted(line: str, tables: list[str]) -> bool:
    found = ENTRY.match(line)
    if found is None:
        return False
    what, schema, name = found.groups()
    if what in NEEDED_BY_ALL:
        return True
    table = name if what.startswith("TABLE") else name.split(" ")[0]
    return f"{schema}.{table}" in tables
