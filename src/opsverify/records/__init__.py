"""Records: what only people know, as TOML files in a folder or a git repository.

`kinds` and `incidents` say what a record holds, `sources` where they are, `book` what counts by the
environment's policy, `releases` which release is meant.
"""

from opsverify.records.book import Book, Kept, Proof, book
from opsverify.records.incidents import Action, Contact, Incident, PostMortem, Roster, Shift, Update
from opsverify.records.kinds import (
    Attestation,
    Availability,
    Deployment,
    Drill,
    Failure,
    LoadRun,
    Override,
    Record,
    ReleaseRecord,
    Review,
    Window,
)
from opsverify.records.reading import KINDS, AnyRecord, BadRecord, load_override, parse
from opsverify.records.releases import Release, coming, judged, running

__all__ = [
    "KINDS",
    "Action",
    "AnyRecord",
    "Attestation",
    "Availability",
    "BadRecord",
    "Book",
    "Contact",
    "Deployment",
    "Drill",
    "Failure",
    "Incident",
    "Kept",
    "LoadRun",
    "Override",
    "PostMortem",
    "Proof",
    "Record",
    "Release",
    "ReleaseRecord",
    "Review",
    "Roster",
    "Shift",
    "Update",
    "Window",
    "book",
    "coming",
    "judged",
    "load_override",
    "parse",
    "running",
]
