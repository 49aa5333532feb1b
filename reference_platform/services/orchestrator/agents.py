"""Who does the work: an agent for each role. Without a language model they only measure what they get."""

from __future__ import annotations

from reference_platform.services.bodies import Json

ROLES = frozenset(
    {
        "architect",
        "catcher",
        "hunter",
        "implementer",
        "ingestor",
        "maintainer",
        "narrator",
        "reviewer",
        "tester",
    }
)


class WorkFailed(Exception):
    """An agent could not do a task; the text says why."""


def work(role: str, description: str) -> Json:
    """Do a task, and return its result.

    Raises:
        WorkFailed: nobody has this role.
    """
    if role not in ROLES:
        raise WorkFailed(f"no agent for role {role}")
    words = description.split()
    return {"role": role, "words": len(words), "notes": f"{role}: {' '.join(words[:12])}"}
