"""Faults that the checks of a release, its commit and its migrations must see."""

from __future__ import annotations

import json

from reference_platform import repository
from reference_platform.faults import recorded
from reference_platform.faults.model import Fault, Verb, only
from reference_platform.faults.released import junit, move_tag, rereleased, untag
from reference_platform.faults.verbs import answer, sql
from reference_platform.records.deployments import commit_of
from reference_platform.records.reviews import REVIEW, digest
from reference_platform.repository import PREVIOUS, RELEASED
from reference_platform.services.sickness import Answer
from reference_platform.state import Platform

API = "apps/api/migrations"
NOTES = f"{API}/008_profile_notes.sql"
NOTES_BACK = f"{API}/rollback/008_profile_notes.sql"
ANOTHER = f"{API}/009_profiles_did.sql"
ANOTHER_BACK = f"{API}/rollback/009_profiles_did.sql"
INDEX = "CREATE INDEX CONCURRENTLY profiles_did ON profiles (did);\n"
FORGETS = "ALTER TABLE profiles DROP COLUMN pronouns;\nALTER TABLE profile_notes RENAME TO old_notes;\n"
CHECK_RUNS = "/repos/midst/midst/commits/*"

BROKEN_TEST = '''

class Broken(unittest.TestCase):
    """It fails."""

    def test_it(self) -> None:
        """It fails."""
        self.assertEqual(slug_of("a"), "b")
'''


def check_run(words: str, **changes: object) -> Verb:
    """GitHub's check run is another than a good one."""
    good = {"id": 2, "name": "build", "status": "completed", "conclusion": "success"}
    body = json.dumps({"total_count": 1, "check_runs": [good | changes]})
    return answer("outside", words, Answer(path=CHECK_RUNS, body=body))


def stamped_with_what_runs(platform: Platform) -> None:
    """The integration tests passed, for the release that runs already."""
    repository.write_junit(platform, commit_of(platform, RELEASED) or "")


def gone(platform: Platform) -> None:
    """There is no file of the integration tests."""
    platform.junit.unlink(missing_ok=True)


def of_another_text(platform: Platform, record: recorded.Table) -> dict[str, str]:
    """The digests of texts that were there when a review was made."""
    return {path: digest(b"an older text") for path in record["files"]}


FAULTS = (
    Fault(
        "DEP-01",
        "failed",
        rereleased("a test of the release to come fails", {}, again={"tests/test_slugs.py": BROKEN_TEST}),
        # What was left for the commit before proves nothing for this one.
        only("DEP-01[test]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-01",
        "type error",
        rereleased(
            "an annotation of the release to come means nothing",
            {},
            again={"midst/quotas.py": '\n\ndef broken(used: Whole) -> None:\n    """It is."""\n'},
        ),
        only("DEP-01[typecheck]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-01",
        "lint",
        rereleased("an import is not used", {}, again={"midst/quotas.py": "\nimport json\n"}),
        only("DEP-01[lint]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-01",
        "for another commit",
        junit("the integration tests passed for what runs already", stamped_with_what_runs),
        only("DEP-01[integration]"),
    ),
    Fault(
        "DEP-01",
        "pending",
        check_run("the build is not over", status="in_progress", conclusion=None),
        only("DEP-01[build]"),
    ),
    Fault(
        "DEP-01",
        "build failed",
        check_run("the build failed", conclusion="failure"),
        only("DEP-01[build]"),
    ),
    Fault(
        "DEP-01",
        "absent",
        check_run("nobody built it", name="something else"),
        only("DEP-01[build]"),
    ),
    Fault(
        "DEP-01",
        "no file",
        junit("the integration tests left nothing", gone),
        only("DEP-01[integration]"),
    ),
    Fault(
        "DEP-02",
        "no review",
        recorded.without("nobody reviewed the migration", REVIEW),
        only("DEP-02[git]"),
    ),
    Fault(
        "DEP-02",
        "review of an older text",
        recorded.changed("the migration was changed after its review", REVIEW, files=of_another_text),
        only("DEP-02[git]"),
    ),
    Fault(
        "DEP-02",
        "not signed",
        recorded.changed("nobody answers for the review", REVIEW, signed_by=None, note="by somebody"),
        only("DEP-02[git]"),
    ),
    Fault(
        "DEP-16",
        "index built without CONCURRENTLY",
        rereleased(
            "a pending migration builds an index of a table in use",
            {ANOTHER: INDEX.replace("CONCURRENTLY ", ""), ANOTHER_BACK: "DROP INDEX profiles_did;\n"},
        ),
        only("DEP-16[git]", "DEP-02[git]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-16",
        "column rewritten",
        rereleased(
            "a pending migration rewrites a table in use",
            {
                ANOTHER: "ALTER TABLE profiles ALTER COLUMN did TYPE varchar(200);\n",
                ANOTHER_BACK: "ALTER TABLE profiles ALTER COLUMN did TYPE text;\n",
            },
        ),
        only("DEP-16[git]", "DEP-02[git]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-03",
        "script missing",
        rereleased("a pending migration has no rollback script", {NOTES_BACK: None}),
        only("DEP-03[git]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-03",
        "rollback forgets an index",
        rereleased(
            "a rollback script leaves an index behind",
            {ANOTHER: INDEX, ANOTHER_BACK: "SELECT 1;\n"},
        ),
        only("DEP-03[git]", "DEP-02[git]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-03",
        "rollback renames",
        rereleased("a rollback script leaves a table behind", {NOTES_BACK: FORGETS}),
        only("DEP-03[git]", "DEP-01[integration]"),
    ),
    Fault(
        "DEP-03",
        "syntax error",
        rereleased(
            "a pending migration is no SQL",
            {ANOTHER: "CREATE TABEL oops (id int);\n", ANOTHER_BACK: "DROP TABLE oops;\n"},
        ),
        only("DEP-03[git]", "DEP-02[git]", "DEP-01[integration]"),
        blind=only("DEP-16[git]"),
    ),
    Fault(
        "DEP-08",
        "one missing",
        sql(
            "the database lacks a migration of what runs",
            do="DELETE FROM schema_migrations WHERE version = '002_runs'",
            undo="INSERT INTO schema_migrations SELECT app, '002_runs', '', applied_at FROM schema_migrations"
            " WHERE version = '001_tasks' ON CONFLICT DO NOTHING",
        ),
        # It is pending then, for the release to come.
        only("DEP-08[git]", "DEP-02[git]", "DEP-03[git]", "DEP-16[git]"),
    ),
    Fault(
        "DEP-08",
        "unknown one",
        sql(
            "the database has a migration that no release has",
            do="INSERT INTO schema_migrations VALUES ('api', '999_by_hand', '', '2026-01-01')",
            undo="DELETE FROM schema_migrations WHERE version = '999_by_hand'",
        ),
        only("DEP-08[git]"),
    ),
    Fault(
        "DEP-08",
        "applied after the start",
        sql(
            "the last migration was applied when the services ran",
            do="UPDATE schema_migrations SET applied_at = applied_at + interval '1 hour'"
            " WHERE version = '002_runs'",
            undo="UPDATE schema_migrations SET applied_at = applied_at - interval '1 hour'"
            " WHERE version = '002_runs' AND applied_at > now() + interval '10 minutes'",
        ),
        only("DEP-08[git]"),
    ),
    Fault(
        "DEP-08",
        "order not kept",
        sql(
            "a migration was applied before the one that comes before it",
            do="UPDATE schema_migrations SET applied_at = applied_at - interval '1 day'"
            " WHERE version = '003_taxonomy'",
            undo="UPDATE schema_migrations SET applied_at = (SELECT applied_at FROM schema_migrations"
            " WHERE version = '004_job_postings') WHERE version = '003_taxonomy'",
        ),
        only("DEP-08[git]"),
    ),
    Fault("DEP-15", "no tag", untag(RELEASED), only("DEP-15[git]", "DEP-04[records]")),
    Fault(
        "DEP-15",
        "tag on another commit",
        move_tag(
            RELEASED,
            "the remote's tag is on the commit before",
            to=PREVIOUS,
            where=lambda platform: platform.remote,
        ),
        only("DEP-15[git]"),
    ),
)
