"""The schema that a backup should have: that of the migrations which its own state table names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opsverify import schema
from opsverify.evidence import one_line
from opsverify.git import repository
from opsverify.looking import CouldNotLook
from opsverify.migrations import Row, State, migrations_of, runs_alone, statements

if TYPE_CHECKING:
    from opsverify.environment import Environment

LEFT_OUT = ("privilege", "default privilege", "extension", "schema")
"""What no migration is asked for: rights are not restored, extensions are compared by themselves."""


def differences_from_head(
    environment: Environment,
    rows: tuple[Row, ...] | None,
    restored: schema.Schema,
    login: dict[str, Any],
) -> Iterator[str]:
    """Run a backup's migrations, as the repository has them, and compare the schemas, a phrase each.

    Args:
        environment: with its repository.
        rows: what the backup's state table says; None when it has none.
        restored: the backup's schema.
        login: of an empty database, of a role that may make extensions there.

    Raises:
        CouldNotLook: the repository does not have the migrations, or they cannot be run.
    """
    import psycopg

    if rows is None:
        why = f"the backup has no table {one_line(environment.migrations.table)} of migrations"
        raise CouldNotLook("backups", why, remedy="Name it, and its columns, under [migrations].")
    found = repository(environment)
    commit = found.resolve("HEAD")
    if commit is None:
        raise CouldNotLook("git", f"{found.where} has no commit")
    state, every = State(rows), migrations_of(environment, commit)
    applied = [one for one in every if state.of(one) is not None]
    if unknown := state.unknown(every):
        why = f"its head has no migration {unknown[0]}, which the backup has"
        raise CouldNotLook("git", why, remedy="Fetch it, and check out the default branch.")
    with psycopg.connect(**login, autocommit=True, connect_timeout=5) as session:
        for thing in restored:
            if thing.kind == "extension":
                session.execute(f"CREATE EXTENSION IF NOT EXISTS {thing.name} CASCADE".encode())
        for one in applied:
            text = found.read(commit, one.path).decode("utf-8", errors="replace")
            try:
                for statement in statements(text) if runs_alone(text) else [text]:
                    session.execute(statement.encode())
                session.execute("RESET ALL")
            except psycopg.Error as error:
                said = one_line(error.diag.message_primary or str(error))
                raise CouldNotLook("git", f"{one} cannot be run: {said}") from None
        expected = schema.read(session)
    table = environment.migrations.table
    yield from schema.differences(_judged(expected, table), _judged(restored, table))


def _judged(those: schema.Schema, state_table: str) -> schema.Schema:
    """Without rights and extensions, and without the state table, which its tool makes itself."""
    named = state_table if "." in state_table else f"public.{state_table}"
    return {
        thing: definition
        for thing, definition in those.items()
        if thing.kind not in LEFT_OUT
        and thing.name != named
        and (definition.part_of is None or definition.part_of.name != named)
    }
