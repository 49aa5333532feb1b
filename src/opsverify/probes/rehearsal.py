"""The rehearsal: migrations and their rollbacks, run on a scratch server at the target's present schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsverify import schema
from opsverify.environment import Environment, Git
from opsverify.evidence import Evidence, one_line
from opsverify.git import repository
from opsverify.head import at_todays_head
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.migrations import (
    Migration,
    commit_of,
    migrations_of,
    named,
    runs_alone,
    state_of,
    statements,
)
from opsverify.probes.migrations import pending
from opsverify.records import running

if TYPE_CHECKING:
    import psycopg

    from opsverify.head import Session

IMPORTS = ("psycopg", "opsverify.pgserver")
"""What is imported before the looks start, and not in their threads."""

FINDINGS_AT_MOST = 50


@dataclass(frozen=True, kw_only=True)
class Rehearsal(Snapshot):
    """What came of migrating a copy of the target's schema and taking it back."""

    missing: tuple[str, ...]
    """Migrations without a rollback script."""
    failed: tuple[str, ...]
    """Scripts that failed: file, line, and what the server said."""
    different: tuple[str, ...]
    """What is not as it was, after which script: `…/008_notes.sql: index public.a is left behind`."""


def rehearsal(environment: Environment, git_with_database: Git) -> Rehearsal:
    """Migrate a copy of the target's present schema, take it back, and compare by catalogue.

    Before a rollback it is what runs that is taken back, to the release before it, and migrated again.

    Raises:
        CouldNotLook: it cannot be told what to rehearse, or there is no scratch server or pg_dump for it.
    """
    if environment.postgres is None:
        raise CouldNotLook("postgres", f"the environment {environment.name} declares none")
    backwards = environment.asked.stage == "pre_rollback"
    commit, those = _deployed(environment) if backwards else pending(environment)
    run = _Run(_texts(environment, commit, those))
    if those:
        with at_todays_head(environment, environment.postgres) as session:
            run.seen = schema.read(session)
            if backwards:
                run.back_and_forth(session, those)
            else:
                run.forth_and_back(session, those)
    return Rehearsal(
        where="scratch server" if those else f"{git_with_database.repository} {commit[:12]}",
        missing=tuple(
            f"{one}: there is no {one_line(one.rollback)}" for one in those if not one.has_rollback
        ),
        failed=tuple(run.failed),
        different=tuple(run.different[:FINDINGS_AT_MOST]),
        evidence=(Evidence(f"rehearsal of {commit}", "\n".join(run.log) or "nothing to rehearse"),),
    )


class _Run:
    """Scripts run one after the other, and what the schema was like before and after each."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._said: set[str] = set()
        self.seen: schema.Schema = {}
        self.failed: list[str] = []
        self.different: list[str] = []
        self.log: list[str] = []

    def forth_and_back(self, session: Session, those: tuple[Migration, ...]) -> None:
        """Apply all, then take each back, the last first."""
        before: list[tuple[Migration, schema.Schema]] = []
        for one in those:
            before.append((one, self.seen))
            if not self._run(session, one.path):
                return
        for one, was in reversed(before):
            if not (one.has_rollback and self._run(session, one.rollback)):
                return
            self._compare(was, one.rollback)

    def back_and_forth(self, session: Session, those: tuple[Migration, ...]) -> None:
        """Take each back, the last first, then apply all again, which has to lead to where we were."""
        after: list[tuple[Migration, schema.Schema]] = []
        for one in reversed(those):
            after.append((one, self.seen))
            if not (one.has_rollback and self._run(session, one.rollback)):
                return
        for one, was in reversed(after):
            if not self._run(session, one.path):
                return
            self._compare(was, f"{one.rollback}, then {one.path}")

    def _run(self, session: Session, path: str) -> bool:
        import psycopg

        text = self._texts[path]
        shown = one_line(path)
        part = ""
        try:
            for statement in statements(text) if runs_alone(text) else [text]:
                part = statement
                # A release's own script: it is trusted as its tests are, and runs on the target next.
                session.execute(part.encode())
            if session.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                raise psycopg.DataError("it ends inside a transaction that it began")
            session.execute("RESET ALL")
            self.seen = schema.read(session)
        except psycopg.Error as error:
            said = one_line(error.diag.message_primary or str(error), at_most=300)
            self.failed.append(f"{shown}{_line(error, text, part)}: {said}")
            self.log.append(f"failed   {shown}: {said}")
            return False
        self.log.append(f"ran      {shown}")
        return True

    def _compare(self, was: schema.Schema, path: str) -> None:
        found = [one for one in schema.differences(was, self.seen) if one not in self._said]
        self._said |= set(found)  # by the script that did it, not by those that came after
        self.different += [f"{one_line(path)}: {one}" for one in found]
        self.log += [f"         {one}" for one in found]


def _line(error: psycopg.Error, text: str, part: str) -> str:
    """Where in a script it failed, as `:3`, where the server says it of the script itself."""
    position = error.diag.statement_position
    if not position:
        return ""
    return f":{text[: text.find(part) + int(position) - 1].count(chr(10)) + 1}"


def _deployed(environment: Environment) -> tuple[str, tuple[Migration, ...]]:
    """The commit that runs, and those of its migrations, applied, that the release before it has not."""
    release = running(environment)
    if release.previous is None:
        raise CouldNotLook("records", f"no record says what ran before {one_line(release.name)}")
    commit = commit_of(environment, release)
    before = commit_of(environment, named(environment, release.previous))
    kept = {(one.app, one.version) for one in migrations_of(environment, before)}
    state = state_of(environment)
    return commit, tuple(
        one
        for one in migrations_of(environment, commit)
        if (one.app, one.version) not in kept and state.of(one) is not None
    )


def _texts(environment: Environment, commit: str, those: tuple[Migration, ...]) -> dict[str, str]:
    found = repository(environment)
    paths = [one.path for one in those] + [one.rollback for one in those if one.has_rollback]
    return {path: found.read(commit, path).decode("utf-8", errors="replace") for path in paths}
