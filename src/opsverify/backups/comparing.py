"""What was restored, held against what was there when the backup was made, or against the source now."""

from __future__ import annotations

from collections.abc import Iterator

from opsverify.backups.manifest import Contents, Counted
from opsverify.evidence import one_line

FEW = 10
"""Rows that a table may differ by from the source, whatever its size: it is in use."""


def differences(expected: Contents, restored: Contents) -> Iterator[str]:
    """What is not as it was written down with the backup, a phrase each; nothing may differ."""
    for table, was in expected.tables.items():
        yield from _of_a_table(one_line(table), was, restored.tables.get(table))
    for sequence, value in expected.sequences.items():
        if sequence not in restored.sequences:
            yield f"sequence {one_line(sequence)} is not there"
        elif restored.sequences[sequence] != value:
            yield f"sequence {one_line(sequence)} is at {restored.sequences[sequence]}, it was at {value}"
    for constraint in sorted(set(expected.constraints) - set(restored.constraints)):
        yield f"constraint {one_line(constraint)} is not there"
    for extension in sorted(expected.extensions.keys() - restored.extensions.keys()):
        yield f"extension {one_line(extension)} is not there"


def _of_a_table(table: str, was: Counted, now: Counted | None) -> Iterator[str]:
    if now is None:
        yield f"table {table} is not there"
        return
    if now.rows != was.rows:
        yield f"table {table} has {now.rows:,} rows, it had {was.rows:,}"
        return
    for column, total in was.sums.items():
        if column in now.sums and now.sums[column] != total:
            yield (
                f"table {table}: its column {one_line(column)} adds up to {now.sums[column]},"
                f" it did to {total}"
            )


def differences_from_source(rows: dict[str, int], restored: Contents, percent: float) -> Iterator[str]:
    """What differs by more than its use explains, a phrase each.

    Args:
        rows: of each table of the source now, counted or estimated.
        restored: the copy.
        percent: by how much a table may differ.
    """
    for table, now in rows.items():
        copy = restored.tables.get(table)
        if copy is None:
            yield f"table {one_line(table)} of the source is not there"
        elif abs(copy.rows - now) > max(FEW, now * percent / 100):
            yield (
                f"table {one_line(table)} has {copy.rows:,} rows, the source has {now:,} now:"
                f" more than {percent:g} % apart"
            )
