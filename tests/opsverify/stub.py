"""A small HTTP server that answers as a test says: for what no real platform would do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opsverify.environment import Environment
from opsverify.loading import load


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    wait_for: threading.Event | None = None
    """Answer when this is set."""


@contextmanager
def serving(answer: Callable[[Asked], Told]) -> Iterator[str]:
    """A server on a free loopback port; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def _talk(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = answer(Asked(self.command, self.path, headers, body))
            if told.wait_for is not None:
                told.wait_for.wait(30)
            raw = told.body.encode()
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            with suppress(ConnectionError):  # the client left
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(raw)

        do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = _talk  # noqa: N815 - the names that the base class calls

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def environment(folder: Path, services: dict[str, str], more: str = "") -> Environment:
    """An environment with these services, by name and address.

    Args:
        folder: where its file is written.
        services: addresses by name.
        more: further TOML.
    """
    file = folder / "environment.toml"
    tables = "".join(f'[[services]]\nname = "{name}"\nurl = "{url}"\n' for name, url in services.items())
    file.write_text(f'schema = 1\nname = "e"\nprotected = false\n{tables}{more}', encoding="utf-8")
    return load(file)
