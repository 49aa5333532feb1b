"""Pages outside the platform that have to say something: the status page, the ticket."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from opsverify import windows
from opsverify.dotted import NotThere, document_of, value_at
from opsverify.environment import Environment, Maintenance, Page
from opsverify.evidence import Evidence, one_line
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.probes import http
from opsverify.records import Window, book

IMPORTS = ("httpx", "opsverify.probes.bounded")
"""What is imported before the looks start, and not in their threads."""

WITHIN_SECONDS = 5.0
"""They are other people's servers: nothing is judged by how quick they are."""


@dataclass(frozen=True, kw_only=True)
class StatusPage(Snapshot):
    """What the status page says, of the times that are asked about."""

    wrong: tuple[str, ...]
    """`after maintenance: 'Partial Outage' instead of 'Operational' (https://…)`."""


@dataclass(frozen=True, kw_only=True)
class Ticket(Snapshot):
    """The ticket of the newest window that has begun."""

    wrong: tuple[str, ...]
    """`window W-7, ticket 41: 'open' instead of 'closed'`."""


def status_page(environment: Environment, maintenance: Maintenance) -> StatusPage:
    """Ask the status page: before maintenance for what it says then, after it likewise, else for both.

    Raises:
        CouldNotLook: no such page is declared, or it does not answer.
    """
    stage = environment.asked.stage
    pages = {
        time: page
        for time, page in (("before", maintenance.status_before), ("after", maintenance.status_after))
        if page is not None and stage != _OTHER_STAGE[time]
    }
    if not pages:
        when = {"pre_maintenance": "before", "post_maintenance": "after"}.get(stage or "", "before or after")
        raise CouldNotLook(
            maintenance.name,
            f"the environment names no status page for {when} maintenance",
            remedy="Declare status_before and status_after under [maintenance].",
        )
    wrong, evidence = [], []
    for time, page in pages.items():
        exchange = _asked(page.url, "the status page", maintenance)
        says = _otherwise(page, exchange.body)
        wrong += [f"{time} maintenance: {says} ({page.url})"] if says else []
        evidence.append(exchange.evidence)
    return StatusPage(
        where=", ".join(page.url for page in pages.values()), wrong=tuple(wrong), evidence=tuple(evidence)
    )


def ticket(environment: Environment, maintenance: Maintenance) -> Ticket:
    """Ask for the ticket of the newest window that has begun.

    Raises:
        CouldNotLook: no address of tickets is declared, it does not answer, or the records cannot be read.
    """
    page = maintenance.ticket
    if page is None:
        raise CouldNotLook(
            maintenance.name,
            "the environment does not say where its tickets are",
            remedy="Declare ticket under [maintenance].",
        )
    now = datetime.now(UTC)
    kept = book(environment)
    window = windows.last_begun(kept.counting(Window, now), now)
    if window is None:
        return Ticket(where="records", wrong=(f"no window that has begun is on record{kept.unreadable}",))
    name = f"window {one_line(window.record.id)}"
    if window.record.ticket is None:
        return Ticket(
            where=window.file,
            wrong=(f"{name}: {window.file} names no ticket",),
            record=str(window),
            evidence=(window.evidence,),
        )
    number = window.record.ticket
    url = page.url.replace("{ticket}", quote(number, safe=""))
    headers = {}
    if maintenance.token_from is not None:
        token = environment.secrets.require(maintenance.token_from, of=maintenance.name)
        headers["authorization"] = f"Bearer {token.get_secret_value()}"
    exchange = _asked(url, "the ticket's address", maintenance, headers, also=(404, 410))
    says = "there is no such ticket" if exchange.status != 200 else _otherwise(page, exchange.body)
    return Ticket(
        where=url,
        wrong=(f"{name}, ticket {one_line(number)}: {says}",) if says else (),
        record=str(window),
        evidence=(window.evidence, exchange.evidence),
    )


def _asked(
    url: str,
    what: str,
    maintenance: Maintenance,
    headers: dict[str, str] | None = None,
    also: tuple[int, ...] = (),
) -> http.Exchange:
    exchange = http.send("GET", url, within=WITHIN_SECONDS, headers=headers)
    if exchange.answer not in (200, *also):
        evidence: tuple[Evidence, ...] = (exchange.evidence,)
        why = exchange.unreachable or f"answers {exchange.answer}"
        raise CouldNotLook(maintenance.name, f"{what}: {why}", evidence=evidence)
    return exchange


def _otherwise(page: Page, body: bytes) -> str | None:
    """What a page says in place of what it should; None: it says it."""
    if page.field is None:
        text = " ".join(body.decode("utf-8", errors="replace").split())
        words = r"(?<![\w-])" + re.escape(" ".join(page.says.split())) + r"(?![\w-])"
        return None if re.search(words, text) else f"nothing of {page.says!r}"
    try:
        found = value_at(document_of(body), page.field)
    except ValueError:
        return f"no JSON, expected {page.says!r} at {page.field}"
    except NotThere as error:
        return f"{error}, expected {page.says!r}"
    said = found if isinstance(found, str) else json.dumps(found)
    return None if said.strip() == page.says else f"{one_line(said)!r} instead of {page.says!r}"


_OTHER_STAGE = {"before": "post_maintenance", "after": "pre_maintenance"}
"""In which stage a page is not asked for."""
