"""One HTTP exchange is bounded in time and size, whatever the other side does."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from opsverify.cost import Cost, charged_to
from opsverify.environment import Environment, Service
from opsverify.looking import CouldNotLook
from opsverify.probes import http, web

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextmanager
def server(talk: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A real server on a free loopback port that reads a request and then talks as it is told."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):  # the client left, or the test is over
                plain, _ = listening.accept()
                connection = tls.wrap_socket(plain, server_side=True) if tls else plain
                with connection:
                    connection.recv(65536)
                    talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        over.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
        listening.close()
        thread.join(5)


def says(*pieces: bytes, pause: float = 0) -> Callable[[socket.socket], None]:
    """Send the pieces, with a pause between them, then hang up."""

    def talk(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            if pause:
                threading.Event().wait(pause)

    return talk


def environment(**limits: float) -> Environment:
    """An environment with these limits."""
    return Environment.model_validate(
        {"schema": 1, "name": "mine", "protected": False, "limits": limits},
        context={"file": Path("mine.toml")},
    )


def service(url: str) -> Service:
    """The api at this address."""
    return Service.model_validate({"name": "api", "url": url})


def test_a_whole_answer_is_seen() -> None:
    """Status, headers, body; the exchange costs one request."""
    cost = Cost()
    with server(says(HEAD + b"content-length: 2\r\n\r\n{}")) as url, charged_to(cost):
        exchange = http.get(f"{url}/health", within=5)
    assert (exchange.answer, exchange.body) == (200, b"{}")
    assert cost.counted() == {"looks": 0, "requests": 1, "statements": 0}
    assert "content-type: application/json" in exchange.evidence.text


@pytest.mark.parametrize(
    "pieces",
    [
        [bytes([byte]) for byte in HEAD + b"\r\n" + b"x" * 100],
        [HEAD + b"\r\n", *(b"x" for _ in range(100))],
    ],
    ids=["headers", "body"],
)
def test_a_byte_at_a_time_ends_in_time(pieces: list[bytes]) -> None:
    """A server that trickles its headers or its body holds a look no longer than it may take."""
    began = time.monotonic()
    with server(says(*pieces, pause=0.1)) as url:
        exchange = http.get(f"{url}/health", within=0.5)
    assert time.monotonic() - began < 2
    assert exchange.answer in {"no answer in 0.5 s", "200, but its body did not end within 0.5 s"}


def test_a_body_without_end_is_cut() -> None:
    """A server that never stops sending costs a bounded amount of memory and time."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with server(talk) as url:
        exchange = http.get(f"{url}/health", within=20)
    assert exchange.answer == "200, but its body passed 8 MiB"
    assert len(exchange.body) < http.BODY_AT_MOST + 1_000_000
    assert len(exchange.evidence.text) < 10_000


@pytest.mark.parametrize(
    ("talk", "answer"),
    [
        (says(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"), 302),
        (says(HEAD + b"content-length: 100\r\n\r\ncut"), "200, but its body is cut off"),
        (says(b"220 mail.example ESMTP\r\n\r\n"), "no HTTP answer: illegal status line"),
        (says(), "no HTTP answer: Server disconnected without sending a response."),
    ],
    ids=["redirect", "cut", "another protocol", "silence"],
)
def test_what_came_instead_is_named(talk: Callable[[socket.socket], None], answer: int | str) -> None:
    """No redirect is followed, and half an answer is no answer."""
    with server(talk) as url:
        seen = http.get(f"{url}/health", within=5).answer
    if isinstance(answer, str):
        assert str(seen).startswith(answer)
    else:
        assert seen == answer


def test_a_closed_port_and_an_unknown_name_are_what_was_seen() -> None:
    """In plain words that do not change from run to run."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert http.get(f"http://127.0.0.1:{port}/health", within=5).answer == "connection refused"
    assert http.get("http://no-such-host.invalid/health", within=5).answer == "the name does not resolve"


def test_a_certificate_is_checked_against_the_authority_named(tmp_path: Path) -> None:
    """Trusted with the environment's own authority, and not without it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    with server(says(HEAD + b"content-length: 0\r\n\r\n"), tls=context) as url:
        assert http.get(f"{url}/health", within=5, ca=ca).answer == 200
        assert http.get(f"{url}/health", within=5).answer == "its certificate is not trusted"


def test_secret_headers_are_not_evidence() -> None:
    """A cookie that a target sets does not land in the report."""
    with server(says(HEAD + b"set-cookie: session=s3cr3t\r\ncontent-length: 0\r\n\r\n")) as url:
        exchange = http.get(f"{url}/health", within=5)
    assert "s3cr3t" not in exchange.evidence.text
    assert "set-cookie: •••" in exchange.evidence.text


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"status":"ready"}', "ready"),
        (b'{"status":"degraded"}', "degraded"),
        (b'{"status":true}', "no status in the body"),
        (b"[]", "no status in the body"),
        (b"<html>", "no JSON"),
        (b"\xff", "no JSON"),
        (b"", "an empty body"),
    ],
)
def test_readiness_is_what_the_body_says(body: bytes, state: str) -> None:
    """A 200 that does not say `ready` is not ready."""
    answer = HEAD + f"content-length: {len(body)}\r\n\r\n".encode() + body
    with server(says(answer)) as url:
        readiness = web.readiness(environment(), service(url))
    assert (readiness.status, readiness.state) == (200, state)


def test_health_is_bounded_by_its_limit() -> None:
    """A service that hangs is seen as such when its limit is over, as something that failed."""
    with server(says(b"HTTP", pause=2)) as url:
        health = web.health(environment(health_at_most_seconds=0.3), service(url))
    assert health.status == "no answer in 0.3 s"
    assert health.unreachable == "no answer in time"


def test_metrics_of_a_service_that_is_away_could_not_be_looked_at() -> None:
    """Where reachability is not the question, no answer is no judgement."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(CouldNotLook, match="could not look at api: connection refused"):
        web.metrics(environment(), service(f"http://127.0.0.1:{port}"))
