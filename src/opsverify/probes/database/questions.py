"""The questions to PostgreSQL, as SQL: each bounded by a LIMIT, none of them changes anything.

Names are those of the catalogues of PostgreSQL 13 to 18. Where a column is younger than 13 it is taken from
the row as JSON, so that an older server says null instead of refusing.
"""

# ruff: noqa: S608 - put together from our own words and from numbers

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opsverify.environment import Limits

OWN = "SELECT /* opsverify */"
"""How each question begins, so that it is not taken for the platform's."""
AT_MOST_ROWS = 200
TEXT_AT_MOST = 300
"""Characters of a statement."""

SETTINGS = (
    *("log_statement", "log_duration", "log_min_duration_statement"),
    *("archive_mode", "archive_command", "archive_library", "archive_timeout"),
    *("autovacuum", "track_counts", "max_connections", "superuser_reserved_connections"),
    "reserved_connections",
)
LOGGING = ("log_statement", "log_duration", "log_min_duration_statement")

OURS = "NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'"
"""Of a schema's name: it is no part of PostgreSQL."""

RIGHTS = """\
SELECT current_user AS "user", quote_ident(current_user) AS quoted,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS stats,
    pg_is_in_recovery() AS standby, current_database() AS database"""

CONNECTIONS = """\
SELECT count(*) AS used, count(*) FILTER (WHERE state = 'idle') AS idle,
    count(*) FILTER (WHERE state = 'active') AS active,
    count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS in_transaction
FROM pg_stat_activity WHERE backend_type = 'client backend'"""

HOLDERS = """\
SELECT usename AS role, application_name AS application, state, count(*) AS sessions
FROM pg_stat_activity WHERE backend_type = 'client backend'
GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 20"""

CEILINGS = f"""\
SELECT kind, name, at_most, used, login FROM (
    SELECT 'role' AS kind, r.rolname AS name, r.rolconnlimit AS at_most, r.rolname = current_user AS login,
        (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid AND backend_type = 'client backend'
            AND application_name <> 'opsverify') AS used
    FROM pg_roles r WHERE rolconnlimit >= 0 AND rolcanlogin AND NOT rolsuper
    UNION ALL
    SELECT 'database', d.datname, d.datconnlimit, d.datname = current_database(),
        (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND backend_type = 'client backend'
            AND application_name <> 'opsverify')
    FROM pg_database d WHERE datconnlimit >= 0 AND datallowconn
) c ORDER BY used::float / greatest(at_most, 1) DESC LIMIT {AT_MOST_ROWS}"""

SESSIONS = f"""\
SELECT pid, usename AS role, application_name AS application, client_addr AS client, state,
    extract(epoch FROM clock_timestamp() - state_change) AS in_state_seconds,
    extract(epoch FROM clock_timestamp() - query_start) AS query_seconds,
    wait_event_type = 'Lock' AS waits,
    CASE WHEN wait_event_type = 'Lock' THEN extract(epoch FROM clock_timestamp() - coalesce((
        SELECT min((to_jsonb(l) ->> 'waitstart')::timestamptz) FROM pg_locks l
        WHERE l.pid = a.pid AND NOT l.granted), query_start)) END AS waited_seconds,
    CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) END AS blocked_by,
    left(query, {TEXT_AT_MOST}) AS query
FROM pg_stat_activity a WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY wait_event_type = 'Lock' DESC NULLS LAST, state_change LIMIT {AT_MOST_ROWS}"""

STATISTICS = """\
SELECT stats_reset, extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time())) AS seconds
FROM pg_stat_database WHERE datname = current_database()"""

INVALID = f"""\
SELECT format('%I.%I', n.nspname, x.relname) AS name, format('%I.%I', n.nspname, t.relname) AS of
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE NOT i.indisvalid AND n.nspname {OURS}
    AND i.indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index)
ORDER BY 1 LIMIT {AT_MOST_ROWS}"""

DUPLICATES = f"""\
SELECT of, names FROM (
    SELECT format('%I.%I', n.nspname, t.relname) AS of, count(*) AS number, json_agg(json_build_object(
        'name', format('%I.%I', n.nspname, x.relname), 'quoted', quote_ident(x.relname),
        'constraint', (SELECT quote_ident(c.conname) FROM pg_constraint c
            WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x') LIMIT 1))
        ORDER BY i.indisprimary DESC, i.indisunique DESC,
            EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) DESC, x.oid) AS names
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = x.relnamespace
    WHERE i.indisvalid AND n.nspname {OURS}
    GROUP BY n.nspname, t.relname, i.indrelid, x.relam, i.indnkeyatts, i.indkey::text, i.indclass::text,
        i.indcollation::text, i.indoption::text, pg_get_expr(i.indexprs, i.indrelid),
        pg_get_expr(i.indpred, i.indrelid)
) g WHERE number > 1 ORDER BY of LIMIT {AT_MOST_ROWS}"""

ROLE_SETTINGS = f"""\
SELECT coalesce(quote_ident(r.rolname), 'ALL') AS role, quote_ident(d.datname) AS database,
    split_part(c, '=', 1) AS name, split_part(c, '=', 2) AS setting
FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c
WHERE split_part(c, '=', 1) IN ({", ".join(f"'{name}'" for name in LOGGING)}) LIMIT {AT_MOST_ROWS}"""

ROLES = """\
SELECT rolname AS name, rolsuper AS superuser, rolcanlogin AS login, quote_ident(rolname) AS quoted
FROM pg_roles WHERE rolsuper OR rolcanlogin ORDER BY 1 LIMIT 1000"""

MEMBERS = """\
SELECT g.rolname AS role, m.rolname AS member, quote_ident(g.rolname) AS role_quoted,
    quote_ident(m.rolname) AS member_quoted
FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
ORDER BY 1, 2 LIMIT 1000"""

OWNERS = f"""\
SELECT r.rolname AS owner, count(*) AS objects, min(o.name) AS example
FROM (
    SELECT c.relowner AS owner, format('%s %I.%I',
        CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
            WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't' AND n.nspname {OURS}
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'e')
    UNION ALL
    SELECT p.proowner, format('ROUTINE %I.%I', n.nspname, p.proname)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname {OURS}
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            AND d.deptype = 'e')
    UNION ALL
    SELECT datdba, format('DATABASE %I', datname) FROM pg_database WHERE datname = current_database()
) o JOIN pg_roles r ON r.oid = o.owner GROUP BY 1 ORDER BY 2 DESC LIMIT {AT_MOST_ROWS}"""

ARCHIVER = """\
SELECT archived_count, last_archived_wal, failed_count, last_failed_wal,
    extract(epoch FROM now() - last_archived_time) AS archived_ago_seconds,
    extract(epoch FROM now() - last_failed_time) AS failed_ago_seconds,
    coalesce(last_failed_time > last_archived_time, last_failed_time IS NOT NULL) AS failing,
    extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time())) AS counted_for_seconds
FROM pg_stat_archiver"""

WAITING = """\
SELECT count(*) AS segments, extract(epoch FROM now() - min(modification)) AS oldest_seconds
FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"""

AGES = """\
SELECT datname AS database, age(datfrozenxid) AS transactions, mxid_age(datminmxid) AS multixacts,
    quote_ident(datname) AS quoted
FROM pg_database ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC LIMIT 20"""

EXTENSIONS = """\
SELECT extname AS name, extversion AS version, quote_ident(n.nspname) AS schema
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'pg_stat_statements'"""


def first(limits: Limits) -> dict[str, str]:
    """What is asked in the first round, by name."""
    names = ", ".join(f"'{name}'" for name in SETTINGS)
    return {
        "rights": RIGHTS,
        "settings": f"SELECT name, setting, unit, source FROM pg_settings WHERE name IN ({names})",
        "connections": CONNECTIONS,
        "holders": HOLDERS,
        "ceilings": CEILINGS,
        "sessions": SESSIONS,
        "statistics": STATISTICS,
        "scanned": _scanned(limits),
        "dead": _dead(limits),
        "unused": _unused(limits),
        "invalid": INVALID,
        "duplicates": DUPLICATES,
        "role settings": ROLE_SETTINGS,
        "roles": ROLES,
        "members": MEMBERS,
        "owners": OWNERS,
        "archiver": ARCHIVER,
        "waiting": WAITING,
        "ages": AGES,
        "extensions": EXTENSIONS,
    }


def second(found: Mapping[str, Any]) -> dict[str, str]:
    """What the first round has shown where to ask: the statements, in the schema of their extension."""
    extensions = found.get("extensions")
    if not isinstance(extensions, list) or not extensions:
        return {}
    extension = extensions[0]
    version = tuple(map(int, re.findall(r"\d+", extension["version"])[:2]))
    # PostgreSQL 13 brought 1.8, which parted planning from execution; a database may have kept an older one
    mean, total = ("mean_exec_time", "total_exec_time") if version >= (1, 8) else ("mean_time", "total_time")
    view = f"{extension['schema']}.pg_stat_statements"
    return {
        "statements": f"""\
SELECT s.queryid::text AS id, r.rolname AS role, s.calls, s.{mean} AS mean_milliseconds,
    s.{total} AS total_milliseconds, left(s.query, {TEXT_AT_MOST}) AS query, count(*) OVER () AS statements,
    sum(s.calls) OVER () AS all_calls
FROM {view} s LEFT JOIN pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND s.query NOT LIKE '{OWN}%'
    AND s.query ~* '^[\\s(]*(/[*].*?[*]/\\s*)*(select|insert|update|delete|merge|with|call|execute|values)\\M'
ORDER BY s.{mean} DESC LIMIT {AT_MOST_ROWS}"""
    }


def _scanned(limits: Limits) -> str:
    return f"""\
SELECT format('%I.%I', s.schemaname, s.relname) AS name, s.seq_scan, s.seq_tup_read,
    coalesce(s.idx_scan, 0) AS idx_scan, greatest(s.n_live_tup, c.reltuples)::bigint AS rows
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.seq_scan > {limits.sequential_scans_at_most} AND s.seq_scan > coalesce(s.idx_scan, 0)
    AND greatest(s.n_live_tup, c.reltuples) >= {limits.large_table_at_least_rows}
ORDER BY s.seq_tup_read DESC LIMIT {AT_MOST_ROWS}"""


def _dead(limits: Limits) -> str:
    return f"""\
SELECT format('%I.%I', s.schemaname, s.relname) AS name, s.n_live_tup AS live, s.n_dead_tup AS dead,
    100.0 * s.n_dead_tup / (s.n_dead_tup + s.n_live_tup) AS percent, s.last_autovacuum, s.last_vacuum,
    (SELECT option_value FROM pg_options_to_table(c.reloptions)
        WHERE option_name = 'autovacuum_enabled') IS NOT DISTINCT FROM 'false' AS off
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.n_dead_tup >= {limits.dead_rows_at_least}
    AND 100.0 * s.n_dead_tup / (s.n_dead_tup + s.n_live_tup) > {limits.dead_rows_at_most_percent}
ORDER BY s.n_dead_tup DESC LIMIT {AT_MOST_ROWS}"""


def _unused(limits: Limits) -> str:
    size = int(limits.unused_index_at_least_megabytes * 1024 * 1024)
    return f"""\
SELECT format('%I.%I', s.schemaname, s.indexrelname) AS name, format('%I.%I', s.schemaname, s.relname) AS of,
    pg_relation_size(s.indexrelid) AS bytes
FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid
WHERE s.idx_scan = 0 AND i.indisvalid AND NOT i.indisunique AND NOT i.indisreplident
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = i.indrelid
        AND i.indkey[0] = ANY (f.conkey))
    AND pg_relation_size(s.indexrelid) >= {size}
ORDER BY 3 DESC LIMIT {AT_MOST_ROWS}"""
