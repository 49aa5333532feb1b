"""A task from its being given to its end."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from opsverify.environment import Environment, Service, Synthetic
from opsverify.looking import Snapshot
from opsverify.probes.conversation import Conversation, Reply
from opsverify.tokens import ADMIN, Mint, anybody

COMPLETED = "completed"
ENDS = frozenset({COMPLETED, "failed", "dead", "dead_letter", "cancelled", "canceled"})
"""States after which nothing more happens to a task."""
ASK_AGAIN_AFTER = 0.05
ASK_AGAIN_AFTER_AT_MOST = 1.0
"""Seconds between two questions: short at first, for most tasks are quick, then twice as long each time."""


@dataclass(frozen=True, kw_only=True)
class Task(Snapshot):
    """What became of a synthetic task."""

    accepted: int | str
    """Status of the answer to giving it."""
    state: str
    """Its last state: `completed`, `failed`, `queued`."""
    seconds: float
    """From giving it to its end, or to when we stopped asking."""

    def measures(self) -> dict[str, float]:
        """The time to its completion."""
        return {"task_completed_seconds": round(self.seconds, 3)} if self.state == COMPLETED else {}


def task(environment: Environment, orchestrator: Service) -> Task:
    """Give the orchestrator a task, and ask for it until it is over or its time is.

    The interface has no way to delete a task: it stays in the history, named and described as ours.

    Raises:
        CouldNotLook: a token cannot be made, a request got no answer at all, or too many tasks were given.
    """
    conversation = Conversation(environment, orchestrator)
    named = environment.synthetic or Synthetic()
    token = Mint(environment).token(anybody(ADMIN)) if environment.auth else None
    name = f"{named.mark}-{uuid.uuid4()}"
    began = time.monotonic()
    ends = began + environment.limits.task_completes_at_most_seconds
    reply = conversation.ask(
        "POST",
        "/tasks",
        token=token,
        content={
            "id": name,
            "role": named.task_role,
            "description": f"Synthetic task {name}: nothing to do.",
        },
    )
    if reply.status == 429:
        raise conversation.blind(
            "it takes no more tasks at the moment (429)", remedy="Ask again in a minute."
        )
    accepted = reply.status
    state = "not accepted"
    pause = ASK_AGAIN_AFTER
    while reply.good:
        reply = conversation.ask("GET", f"/tasks/{name}", token=token)
        state = _state(reply)
        left = ends - time.monotonic()
        if state in ENDS or left <= 0:
            break
        time.sleep(min(pause, left))  # the interface offers nothing to wait on but asking
        pause = min(2 * pause, ASK_AGAIN_AFTER_AT_MOST)
    return Task(
        where=conversation.service.address("/tasks"),
        accepted=accepted,
        state=state,
        seconds=time.monotonic() - began,
        evidence=conversation.evidence,
    )


def _state(reply: Reply) -> str:
    state = reply.fields.get("status", reply.fields.get("state"))
    return (
        state.lower() if reply.good and isinstance(state, str) else f"{reply.status}, no state in the answer"
    )
