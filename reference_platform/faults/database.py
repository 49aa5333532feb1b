"""Faults that the database checks must see."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import LiteralString

from reference_platform import pgbouncer, postgres
from reference_platform.faults.model import Fault, Verb, only_on
from reference_platform.faults.sessions import held
from reference_platform.faults.verbs import sql, use_up_slots
from reference_platform.state import Platform
from reference_platform.waiting import until

CROWD = 20
"""Sessions, beside those of the services, with which few slots are left, and some still."""
ARCHIVED_WITHIN_SECONDS = 15

LARGE: LiteralString = """
CREATE TABLE search_log (id bigint PRIMARY KEY, words text NOT NULL);
ALTER TABLE search_log OWNER TO midst;
INSERT INTO search_log SELECT n, 'words ' || n FROM generate_series(1, 20000) AS n;
ANALYZE search_log;
"""
NEVER_VACUUMED: LiteralString = """
ALTER TABLE search_log SET (autovacuum_enabled = off);
DELETE FROM search_log WHERE id > 5000;
"""
GONE: LiteralString = "DROP TABLE IF EXISTS search_log"


def setting(name: LiteralString, value: LiteralString) -> Verb:
    """A setting of the server is another, for all new sessions."""

    def do(platform: Platform) -> None:
        _alter(platform, f"ALTER SYSTEM SET {name} = '{value}'")
        until(lambda: _shown(platform, name) == value, within=10, what=f"{name} is {value}")

    def undo(platform: Platform) -> None:
        _alter(platform, f"ALTER SYSTEM RESET {name}")
        until(lambda: _shown(platform, name) != value, within=10, what=f"{name} is not {value} any more")

    return Verb(f"{name} is {value}", do, undo)


def fail_to_archive() -> Verb:
    """The archive command fails, and a segment is to be archived."""
    broken = setting("archive_command", "false")

    def do(platform: Platform) -> None:
        broken.do(platform)
        _switch(platform)
        until(partial(_archiver_fails, platform), within=ARCHIVED_WITHIN_SECONDS, what="archiving fails")

    def undo(platform: Platform) -> None:
        broken.undo(platform)
        if _archiver_fails(platform):
            _switch(platform)  # which wakes the archiver from its pause after three failures
        until(
            lambda: not _archiver_fails(platform),
            within=ARCHIVED_WITHIN_SECONDS,
            what="segments are archived",
        )

    return Verb("archive_command fails", do, undo)


def leave_invalid_index() -> Verb:
    """An index could not be finished, and was left as it is."""

    def do(platform: Platform) -> None:
        import psycopg

        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute("CREATE TABLE search_log AS SELECT 1 AS id FROM generate_series(1, 2)")
            session.execute("ALTER TABLE search_log OWNER TO midst")
            with suppress(psycopg.errors.UniqueViolation):
                session.execute("CREATE UNIQUE INDEX CONCURRENTLY search_log_id ON search_log (id)")

    return Verb("an index is invalid", do, sql("", GONE, undo=GONE).undo)


def call_slow_function(*, calls: int) -> Verb:
    """A function that takes half a second was called."""

    def do(platform: Platform) -> None:
        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute(
                "CREATE FUNCTION slow_report() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(0.5)'"
            )
            session.execute("ALTER FUNCTION slow_report() OWNER TO midst")
            for _ in range(calls):
                session.execute("SELECT slow_report()")

    def undo(platform: Platform) -> None:
        with postgres.admin(platform, postgres.DATABASE) as session:
            session.execute("DROP FUNCTION IF EXISTS slow_report()")
            session.execute(
                "SELECT pg_stat_statements_reset(userid, dbid, queryid) FROM pg_stat_statements"
                " WHERE query LIKE '%slow_report%'"
            )

    return Verb("a slow function was called", do, undo)


def _alter(platform: Platform, statement: LiteralString) -> None:
    with postgres.admin(platform) as session:
        session.execute(statement)
        session.execute("SELECT pg_reload_conf()")


def _shown(platform: Platform, name: LiteralString) -> object:
    with postgres.admin(platform) as session:
        row = session.execute("SELECT current_setting(%s)", [name]).fetchone()
        return row[0] if row else None


def _switch(platform: Platform) -> None:
    """Begin a new segment, so that the one before is archived. A segment without content is not ended."""
    with postgres.admin(platform) as session:
        session.execute("SELECT pg_logical_emit_message(false, 'reference_platform', 'end of segment')")
        session.execute("SELECT pg_switch_wal()")


def _archiver_fails(platform: Platform) -> bool:
    with postgres.admin(platform) as session:
        row = session.execute(
            "SELECT coalesce(last_failed_time > last_archived_time, last_failed_time IS NOT NULL)"
            " FROM pg_stat_archiver"
        ).fetchone()
        return row is not None and bool(row[0])


only = partial(only_on, "postgres")

FAULTS = (
    Fault(
        "DB-01",
        "held open",
        held(
            "few connection slots are left",
            "crowd",
            *[("SELECT pg_sleep(3600)",)] * CROWD,
            seen="SELECT count(*) = 20 FROM pg_stat_activity"
            " WHERE application_name = 'crowd' AND state = 'active'",
        ),
        only("DB-01"),
    ),
    Fault(
        "DB-01",
        "none left",
        use_up_slots(),
        only("DB-01", "HLT-05"),
        blind=frozenset({"ONB-01[access]"}),
    ),
    Fault(
        "DB-02",
        "idle",
        held(
            "a session idles",
            "forgotten",
            (),
            seen="SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'forgotten'"
            " AND state = 'idle' AND state_change < clock_timestamp() - interval '5.2 s'",
        ),
        only("DB-02"),
    ),
    Fault(
        "DB-02",
        "idle in transaction",
        held(
            "a session idles in a transaction",
            "unfinished",
            ("BEGIN", "SELECT 1"),
            seen="SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'unfinished'"
            " AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '2.2 s'",
        ),
        only("DB-02"),
    ),
    Fault(
        "DB-03",
        "pool too small",
        held(
            "a client of PgBouncer waits for another",
            "pooled",
            ("SELECT pg_sleep(3600)",),
            ("SELECT 1",),
            seen=pgbouncer.has_waiting_clients,
            through=pgbouncer.dsn,
        ),
        frozenset({"DB-03[pgbouncer]"}),
        parts=frozenset({"pgbouncer"}),
    ),
    Fault(
        "DB-04",
        "lock held",
        held(
            "a session waits for another's lock",
            "locked",
            ("SELECT pg_advisory_lock(4711)", "SELECT pg_sleep(3600)"),
            ("SELECT pg_advisory_lock(4711)",),
            seen="SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'locked'"
            " AND wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '1.2 s'",
        ),
        only("DB-04"),
    ),
    Fault(
        "DB-05",
        "no index",
        sql(
            "a large table is read from end to end",
            LARGE
            + """
            DO $$ BEGIN
                FOR n IN 1..1500 LOOP
                    PERFORM 1 FROM search_log WHERE words > '' LIMIT 1;
                END LOOP;
            END $$;
            """,
            undo=GONE,
        ),
        only("DB-05"),
    ),
    Fault(
        "DB-06",
        "unused",
        sql(
            "an index is not used",
            LARGE + "CREATE INDEX search_log_words ON search_log (words);",
            undo=GONE,
        ),
        only("DB-06"),
    ),
    Fault("DB-06", "invalid", leave_invalid_index(), only("DB-06")),
    Fault(
        "DB-06",
        "duplicate",
        sql(
            "an index doubles another",
            "CREATE INDEX profiles_identity_again ON profiles (identity_id)",
            undo="DROP INDEX IF EXISTS profiles_identity_again",
        ),
        only("DB-06"),
    ),
    Fault("DB-07", "slow function", call_slow_function(calls=5), only("DB-07")),
    Fault("DB-07", "not logged", setting("log_min_duration_statement", "-1"), only("DB-07")),
    Fault("DB-08", "left on", setting("log_statement", "all"), only("DB-08")),
    Fault(
        "DB-09",
        "surprise superuser",
        sql(
            "there is a superuser that nobody expects",
            "CREATE ROLE temporary_admin SUPERUSER",
            undo="DROP ROLE IF EXISTS temporary_admin",
        ),
        only("DB-09"),
    ),
    Fault("DB-10", "archive command fails", fail_to_archive(), only("DB-10")),
    Fault(
        "DB-11",
        "dead rows",
        sql(
            "a table is never vacuumed",
            LARGE + NEVER_VACUUMED,
            undo=GONE,
        ),
        only("DB-11"),
    ),
    Fault(
        "DB-14",
        "pools too large",
        sql(
            "the role may have fewer connections than the pools open",
            "ALTER ROLE midst CONNECTION LIMIT 25",
            undo="ALTER ROLE midst CONNECTION LIMIT -1",
        ),
        only("DB-14"),
    ),
)
