"""The reviews of the migrations that the release to come adds."""

from __future__ import annotations

import hashlib
from datetime import datetime

from reference_platform.records.keeping import Table
from reference_platform.repository import ADDED, NEXT
from reference_platform.state import Platform

REVIEW = "reviews/next.toml"
BY = "service-owner"


def tables(platform: Platform, started: datetime, ended: datetime) -> dict[str, Table]:
    """The review, by its file.

    Args:
        platform: whose records they are.
        started: when `up` began to start services.
        ended: when all were ready.
    """
    release = ADDED / NEXT
    files = sorted(release.glob("apps/*/migrations/*.sql"))
    return {
        REVIEW: {
            "kind": "review",
            "who": BY,
            "when": started,
            "what": "migrations",
            "release": NEXT,
            "files": {file.relative_to(release).as_posix(): digest(file.read_bytes()) for file in files},
        }
    }


def digest(text: bytes) -> str:
    """A text's digest, as a review has it."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"
