"""A database's schema by its catalogue: every object with its definition, so that two can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from opsverify.evidence import one_line

if TYPE_CHECKING:
    import psycopg

SHOWN = 90
"""Characters of a definition in a message."""


@dataclass(frozen=True)
class Thing:
    """What the catalogue calls one object of the schema."""

    kind: str
    name: str

    def __str__(self) -> str:
        """`index public.profiles_identity_id`."""
        return one_line(f"{self.kind} {self.name}")


@dataclass(frozen=True)
class Definition:
    """What an object is like."""

    text: str
    part_of: Thing | None = None
    """What goes with it, and comes with it: a column's table."""


Schema = dict[Thing, Definition]


def read(session: psycopg.Connection[tuple[Any, ...]]) -> Schema:
    """Every object of a database's schema; what belongs to PostgreSQL or to an extension is left out.

    Raises:
        psycopg.Error: it cannot be read.
    """
    found: Schema = {}
    for query in _QUERIES:
        for kind, name, text, owner_kind, owner in session.execute(query).fetchall():
            part_of = Thing(owner_kind, owner) if owner is not None else None
            found[Thing(kind, name)] = Definition(text or "", part_of)
    return found


def differences(before: Schema, after: Schema) -> Iterator[str]:
    """What of a schema is not as it was, a phrase each: `index public.a is left behind`.

    What goes with an object that is itself gone or left behind is not named again.
    """
    gone = before.keys() - after.keys()
    left = after.keys() - before.keys()
    for thing in _sorted(gone):
        if before[thing].part_of not in gone:
            yield f"{thing} is gone"
    for thing in _sorted(left):
        if after[thing].part_of not in left:
            yield f"{thing} is left behind"
    for thing in _sorted(before.keys() & after.keys()):
        was, now = before[thing].text, after[thing].text
        if was != now:
            yield f"{thing} is {one_line(now, at_most=SHOWN)!r} and was {one_line(was, at_most=SHOWN)!r}"


def _sorted(things: set[Thing]) -> list[Thing]:
    return sorted(things, key=lambda thing: (thing.kind, thing.name))


_OWN: LiteralString = """
WITH own AS (
    SELECT n.oid, quote_ident(n.nspname) AS name, n.nspname, n.nspacl FROM pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), extended AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relation AS (
    SELECT c.*, own.name || '.' || quote_ident(c.relname) AS name,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
            WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END AS kind
    FROM pg_class AS c JOIN own ON own.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
        AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_class'::regclass AND objid = c.oid)
)
"""

_TO: LiteralString = "CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE p.grantee::regrole::text END"

_BODIES: tuple[LiteralString, ...] = (
    # Schemas and extensions
    "SELECT 'schema', name, '', NULL, NULL FROM own",
    "SELECT 'extension', extname, extversion, NULL, NULL FROM pg_extension",
    # Tables, views, sequences
    """
    SELECT relation.kind, relation.name, concat_ws(' ',
            CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(relation.oid) END,
            CASE WHEN relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(relation.oid) END,
            CASE WHEN relispartition THEN pg_get_expr(relpartbound, relation.oid) END,
            CASE relpersistence WHEN 'u' THEN 'UNLOGGED' END,
            CASE WHEN relrowsecurity THEN 'ROW SECURITY' END,
            CASE WHEN relforcerowsecurity THEN 'FORCED' END,
            CASE WHEN EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = relation.oid AND t.tgisinternal
                AND t.tgenabled = 'D') THEN 'FOREIGN KEYS NOT ENFORCED' END,
            array_to_string(reloptions, ', ')),
        CASE WHEN owner.name IS NOT NULL THEN 'table' END, owner.name
    FROM relation LEFT JOIN LATERAL (
        SELECT own.name || '.' || quote_ident(t.relname) AS name FROM pg_depend AS d
        JOIN pg_class AS t ON t.oid = d.refobjid JOIN own ON own.oid = t.relnamespace
        WHERE relation.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = relation.oid
            AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    ) AS owner ON true
    """,
    """
    SELECT 'sequence options', r.name, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart,
            s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle), 'sequence', r.name
    FROM pg_sequence AS s JOIN relation AS r ON r.oid = s.seqrelid
    """,
    # Columns
    """
    SELECT 'column', r.name || '.' || quote_ident(a.attname), concat_ws(' ',
            format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY' END,
            CASE WHEN a.attgenerated <> '' THEN 'GENERATED' END,
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
            CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END),
        r.kind, r.name
    FROM pg_attribute AS a JOIN relation AS r ON r.oid = a.attrelid JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind <> 'S'
    """,
    # Constraints; NOT NULL stands with its column (PostgreSQL 18 has it here too)
    """
    SELECT 'constraint',
        coalesce(r.name, own.name || '.' || quote_ident(t.typname)) || '.' || quote_ident(c.conname),
        pg_get_constraintdef(c.oid) || CASE WHEN c.convalidated THEN '' ELSE ' NOT VALID' END,
        coalesce(r.kind, 'domain'), coalesce(r.name, own.name || '.' || quote_ident(t.typname))
    FROM pg_constraint AS c JOIN own ON own.oid = c.connamespace
    LEFT JOIN relation AS r ON r.oid = c.conrelid LEFT JOIN pg_type AS t ON t.oid = c.contypid
    WHERE c.contype <> 'n' AND (r.oid IS NOT NULL OR t.oid IS NOT NULL) AND c.conparentid = 0
    """,
    # Indexes, but for those that a constraint brings along
    """
    SELECT 'index', own.name || '.' || quote_ident(i.relname),
        pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END, r.kind, r.name
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN own ON own.oid = i.relnamespace
    JOIN relation AS r ON r.oid = x.indrelid
    WHERE NOT EXISTS (
        SELECT FROM pg_constraint AS c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x')
    )
    """,
    # Triggers, rules, policies
    """
    SELECT 'trigger', r.name || '.' || quote_ident(t.tgname),
        pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text, r.kind, r.name
    FROM pg_trigger AS t JOIN relation AS r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
    """,
    """
    SELECT 'rule', r.name || '.' || quote_ident(w.rulename), pg_get_ruledef(w.oid), r.kind, r.name
    FROM pg_rewrite AS w JOIN relation AS r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
    """,
    """
    SELECT 'policy', r.name || '.' || quote_ident(p.polname), concat_ws(' ', p.polcmd, p.polpermissive,
            (SELECT string_agg(role::regrole::text, ', ' ORDER BY role::regrole::text)
                FROM unnest(p.polroles) AS role WHERE role <> 0),
            pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), r.kind, r.name
    FROM pg_policy AS p JOIN relation AS r ON r.oid = p.polrelid
    """,
    # Functions
    """
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
        own.name || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        CASE WHEN p.prokind = 'a' THEN format_type(p.prorettype, NULL) ELSE pg_get_functiondef(p.oid) END,
        NULL, NULL
    FROM pg_proc AS p JOIN own ON own.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
    """,
    # Types: enums, domains, ranges
    """
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, own.name || '.' || quote_ident(t.typname),
        concat_ws(' ', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
            CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault,
            (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e
                WHERE e.enumtypid = t.oid)), NULL, NULL
    FROM pg_type AS t JOIN own ON own.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r')
        AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_type'::regclass AND objid = t.oid)
    """,
    # Publications, and what they publish; statistics; event triggers; collations
    """
    SELECT 'publication', quote_ident(p.pubname), concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate,
            p.pubdelete, p.pubtruncate, (SELECT string_agg(f.schemaname || '.' || f.tablename, ', '
                ORDER BY f.schemaname, f.tablename) FROM pg_publication_tables AS f
                WHERE f.pubname = p.pubname AND NOT p.puballtables)), NULL, NULL
    FROM pg_publication AS p
    UNION ALL
    SELECT 'statistics', own.name || '.' || quote_ident(s.stxname), pg_get_statisticsobjdef(s.oid),
        r.kind, r.name
    FROM pg_statistic_ext AS s JOIN own ON own.oid = s.stxnamespace JOIN relation AS r ON r.oid = s.stxrelid
    UNION ALL
    SELECT 'event trigger', quote_ident(e.evtname), concat_ws(' ', e.evtevent, e.evtfoid::regprocedure,
            e.evtenabled, array_to_string(e.evttags, ', ')), NULL, NULL
    FROM pg_event_trigger AS e
    WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_event_trigger'::regclass AND objid = e.oid)
    UNION ALL
    SELECT 'collation', own.name || '.' || quote_ident(c.collname), concat_ws(' ', c.collprovider,
            c.collisdeterministic, c.collcollate), NULL, NULL
    FROM pg_collation AS c JOIN own ON own.oid = c.collnamespace
    WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_collation'::regclass AND objid = c.oid)
    """,
    # Privileges, also of single columns, and those of objects to come; what an owner has goes without saying
    """
    SELECT 'privilege', p.privilege_type || ' on ' || r.name || ' of ' || @TO@,
        p.is_grantable::text, r.kind, r.name
    FROM relation AS r CROSS JOIN LATERAL aclexplode(r.relacl) AS p WHERE p.grantee <> r.relowner
    UNION ALL
    SELECT 'privilege',
        p.privilege_type || ' on ' || r.name || '.' || quote_ident(a.attname) || ' of ' || @TO@,
        p.is_grantable::text,
        'column', r.name || '.' || quote_ident(a.attname)
    FROM relation AS r JOIN pg_attribute AS a ON a.attrelid = r.oid
    CROSS JOIN LATERAL aclexplode(a.attacl) AS p WHERE NOT a.attisdropped
    """,
    """
    SELECT 'privilege', p.privilege_type || ' on schema ' || own.name || ' of ' || @TO@,
        p.is_grantable::text, 'schema', own.name
    FROM own CROSS JOIN LATERAL aclexplode(own.nspacl) AS p
    UNION ALL
    SELECT 'privilege', p.privilege_type || ' on function ' || f.oid::regprocedure || ' of ' || @TO@,
        p.is_grantable::text, NULL, NULL
    FROM pg_proc AS f JOIN own ON own.oid = f.pronamespace CROSS JOIN LATERAL aclexplode(f.proacl) AS p
    WHERE p.grantee <> f.proowner
        AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = f.oid)
    UNION ALL
    SELECT 'default privilege', p.privilege_type || ' on ' || d.defaclobjtype::text || ' by '
        || d.defaclrole::regrole || ' of ' || @TO@, p.is_grantable::text, NULL, NULL
    FROM pg_default_acl AS d CROSS JOIN LATERAL aclexplode(d.defaclacl) AS p
    """,
)

_QUERIES: tuple[LiteralString, ...] = tuple(_OWN + body.replace("@TO@", _TO) for body in _BODIES)
