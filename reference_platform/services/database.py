"""A service's PostgreSQL sessions: a few, opened at the start, opened again when they are lost."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

Session = psycopg.AsyncConnection[DictRow]

SESSIONS = 3
CONNECT_WITHIN_SECONDS = 2
LOOK_AFTER_SECONDS = 0.1


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
        self._idle: asyncio.Queue[Session | None] = asyncio.Queue()
        for _ in range(SESSIONS):
            self._idle.put_nowait(None)
        self.queries = 0
        """Statements sent so far."""
        self.in_use = 0
        """Sessions at work now."""

    async def keep_open(self) -> None:
        """Open sessions that are not open, again and again. Runs as long as the service does."""
        while True:
            await asyncio.sleep(LOOK_AFTER_SECONDS)
            for _ in range(self._idle.qsize()):
                session = await self._idle.get()
                if session is None or _is_lost(session):
                    with suppress(NoSession):  # tried again at the next round
                        session = await self._opened(session)
                self._idle.put_nowait(session)

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
                kept = await self._idle.get()
        except TimeoutError:
            raise NoSession("all sessions are in use") from None
        session = kept
        try:
            if session is None or _is_lost(session):
                session = None
                session = await self._opened(kept)
            self.in_use += 1
            try:
                yield session
            finally:
                self.in_use -= 1
        finally:
            self._idle.put_nowait(session if session is not None and not session.closed else None)

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

    async def _opened(self, lost: Session | None) -> Session:
        if lost is not None:
            await lost.close()
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
