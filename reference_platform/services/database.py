"""A service's PostgreSQL sessions: a few, opened at the start, opened again when they are lost."""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

Session = psycopg.AsyncConnection[DictRow]

SESSIONS = 3
CONNECT_WITHIN_SECONDS = 2
LOOK_AFTER_SECONDS = 0.1
TOUCH_AFTER_SECONDS = 1
"""No session idles longer."""


class NoSession(Exception):
    """No session with the database can be had now."""


class Database:
    """A fixed number of sessions.

    All are opened as soon as the database lets us in, and kept: a service that has its sessions
    goes on working when no slot is left for new ones.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._idle: list[Session] = []
        self._free = asyncio.Semaphore(SESSIONS)
        self._opening = asyncio.Lock()
        self.queries = 0
        """Statements sent so far."""
        self.in_use = 0
        """Sessions at work now."""

    async def keep_open(self) -> None:
        """Open the sessions that are missing and touch those that idle, again and again.

        Runs as long as the service does.
        """
        touched = time.monotonic()
        while True:
            with suppress(NoSession):  # tried again at the next round
                async with self._opening:
                    while self.missing() > 0:
                        self._idle.append(await self._opened())
            if time.monotonic() - touched >= TOUCH_AFTER_SECONDS:
                touched = time.monotonic()
                with suppress(NoSession, psycopg.Error):  # what is lost is opened at the next round
                    for _ in range(SESSIONS):  # each takes the one that has waited longest
                        async with self.session() as session:
                            await session.execute("SELECT 1")
            await asyncio.sleep(LOOK_AFTER_SECONDS)

    def missing(self) -> int:
        """How many sessions are not open. Those that the server closed meanwhile are dropped."""
        for session in [session for session in self._idle if _is_lost(session)]:
            self._idle.remove(session)
            session.pgconn.finish()  # nothing to say goodbye to
        return SESSIONS - len(self._idle) - self.in_use

    async def answers(self) -> None:
        """Whether the service can work with the database: all its sessions are open, and one answers.

        Raises:
            NoSession, psycopg.Error: it cannot.
        """
        if missing := self.missing():
            raise NoSession(f"{missing} of {SESSIONS} sessions are not open")
        await self.rows("SELECT 1")

    @asynccontextmanager
    async def session(self, *, within: float = 2) -> AsyncIterator[Session]:
        """A session, in autocommit.

        Args:
            within: seconds to wait for one that is free.

        Raises:
            NoSession: none is free in time, or the database does not let us in.
        """
        try:
            async with asyncio.timeout(within):
                await self._free.acquire()
        except TimeoutError:
            raise NoSession("all sessions are in use") from None
        self.in_use += 1
        try:
            session = await self._taken()
            try:
                yield session
            finally:
                if not session.closed:
                    self._idle.append(session)
        finally:
            self.in_use -= 1
            self._free.release()

    async def rows(self, statement: LiteralString, *values: object) -> list[DictRow]:
        """Send one statement and return its rows; an empty list when it has none.

        Raises:
            NoSession: as `session`.
            psycopg.Error: the statement failed.
        """
        async with self.session() as session:
            self.queries += 1
            cursor = await session.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def _taken(self) -> Session:
        self.missing()  # drops the lost ones
        if self._idle:
            return self._idle.pop(0)
        async with self._opening:  # meanwhile one may have come back, or been opened
            return self._idle.pop(0) if self._idle else await self._opened()

    async def _opened(self) -> Session:
        try:
            return await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=CONNECT_WITHIN_SECONDS,
                application_name=self._name,
            )
        except psycopg.Error as error:
            raise NoSession(str(error)) from None


def _is_lost(session: Session) -> bool:
    """Whether the server hung up: an idle session has nothing to read except the end."""
    if session.closed:
        return True
    readable, _, _ = select.select([session.fileno()], [], [], 0)
    return bool(readable)
