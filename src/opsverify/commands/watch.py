"""`python -m opsverify watch`: the availability recorder around a deployment."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import tomli_w

from opsverify.commands.keeping import Unwritten, commit, write_new
from opsverify.commands.target import add_target, named_target
from opsverify.environment import Environment
from opsverify.looking import CouldNotLook
from opsverify.records import Availability
from opsverify.records.kinds import EVERY_AT_MOST_SECONDS, Failure
from opsverify.watching import Tally, Watched, watch

EVERY_SECONDS = 0.2
WITHIN_SECONDS = 5.0
AT_MOST_SECONDS = 3600.0


def add_parser(commands: Any) -> None:
    """Declare the command."""
    one = commands.add_parser(
        "watch", help="record availability: start it before a deployment, stop it after"
    )
    add_target(one, "folder")
    one.add_argument("--who", required=True, help="who answers for the record")
    one.add_argument("--release", metavar="R", help="the release that is deployed meanwhile")
    one.add_argument("--url", action="append", default=[], help="address to ask, instead of the services'")
    one.add_argument(
        "--every", type=float, default=EVERY_SECONDS, metavar="S", help="seconds between requests"
    )
    one.add_argument(
        "--within", type=float, default=WITHIN_SECONDS, metavar="S", help="seconds for an answer"
    )
    one.add_argument(
        "--at-most", type=float, default=AT_MOST_SECONDS, metavar="S", help="ends by itself then"
    )
    one.add_argument(
        "--git-commit", action="store_true", help="commit the record, signed where policy asks for it"
    )
    one.add_argument("--ready", type=Path, metavar="FILE", help="is made when the first answers are in")


def run(asked: argparse.Namespace) -> int:
    """Record until SIGINT, SIGTERM or the end of the time; then write the record. 0, or 4 with the reason."""
    try:
        named = named_target(asked)
        watched = list(_watched(asked, named.environment))
        folder = named.folder()
    except CouldNotLook as error:
        print(error, file=sys.stderr)
        return 4
    if not watched or not all(0 < one < float("inf") for one in (asked.every, asked.within, asked.at_most)):
        print("expected an address (--url, or --env with services), and times above 0", file=sys.stderr)
        return 4
    if asked.every > EVERY_AT_MOST_SECONDS:
        print(f"--every: expected at most {EVERY_AT_MOST_SECONDS} s: pauses are short", file=sys.stderr)
        return 4
    tally = asyncio.run(_record(asked, watched))
    record = _availability(asked, watched, tally)
    name = f"availability/{tally.started.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.toml"
    file, text = folder / name, tomli_w.dumps(record.model_dump(exclude_none=True))
    try:
        write_new(file, text)
    except Unwritten as error:
        print(text)  # what was seen cannot be seen again
        print(error, file=sys.stderr)
        return 4
    _tell(file, record)
    if asked.git_commit:
        try:
            commit(file, signed=named.wants_signature(record.kind))
        except Unwritten as error:
            print(error, file=sys.stderr)
            return 4
    return 0


async def _record(asked: argparse.Namespace, watched: list[Watched]) -> Tally:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    shows = sys.stderr.isatty()

    def tell(tally: Tally) -> None:
        if asked.ready is not None:
            asked.ready.touch()
        if shows:
            print(
                f"\r{_words(tally)}  (Ctrl-C ends and writes the record)", end="", file=sys.stderr, flush=True
            )

    print(f"watching {', '.join(one.url for one in watched)}", file=sys.stderr)
    tally = await watch(
        watched, every=asked.every, within=asked.within, at_most=asked.at_most, until=over, tell=tell
    )
    if shows:
        print(file=sys.stderr)
    return tally


def _watched(asked: argparse.Namespace, environment: Environment | None) -> Iterator[Watched]:
    """What users ask: each service's health at its public address, or the internal one where it has none."""
    if asked.url or environment is None:
        authorities = [environment.path(one.ca) for one in environment.services] if environment else []
        ca = next((one for one in authorities if one), None)
        yield from (Watched(url, ca) for url in asked.url)
        return
    public = [one for one in environment.services if one.public_url and one.health]
    for service in public or [one for one in environment.services if one.health]:
        seen = service.model_copy(update={"url": service.public_url or service.url})
        yield Watched(seen.address(seen.health), environment.path(service.ca))


def _availability(asked: argparse.Namespace, watched: list[Watched], tally: Tally) -> Availability:
    return Availability(
        who=asked.who,
        when=tally.ended,
        release=asked.release,
        started=tally.started,
        ended=tally.ended,
        every_seconds=asked.every,
        asked=tally.asked,
        failed=tally.failed,
        late=tally.late,
        urls=tuple(one.url for one in watched),
        failures=tuple(
            Failure(url=one.url, why=one.why, times=one.times, first=one.first, last=one.last)
            for one in sorted(tally.failures.values(), key=lambda one: one.first)
        ),
    )


def _tell(file: Path, record: Availability) -> None:
    print(f"{file}: {record.asked} requests, {record.failed} failed, {record.late} late")
    for one in record.failures:
        print(f"  {one.times} × {one.why}: {one.url} ({one.first:%H:%M:%S} – {one.last:%H:%M:%S} UTC)")


def _words(tally: Tally) -> str:
    return f"{tally.asked} requests, {tally.failed} failed"
