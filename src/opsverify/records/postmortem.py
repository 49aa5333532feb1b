"""Post-mortems as Markdown on the runbook's template: written empty, read when filled in."""

from __future__ import annotations

from opsverify.records.incidents import PostMortem
from opsverify.records.reading import BadRecord

HEADING = b"Incident Post-Mortem"


def is_post_mortem(text: bytes) -> bool:
    """Whether a Markdown document is one, by its first heading."""
    first = next((line for line in text.splitlines() if line.startswith(b"#")), b"")
    return HEADING in first


def from_markdown(text: bytes, file: str) -> PostMortem:
    """The record that a filled-in template holds.

    Raises:
        BadRecord: it cannot be read as one.
    """
    raise BadRecord(f"{file}: post-mortems in Markdown are not read yet")
