"""One HTTP request, bounded in time and size whatever the other side does."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from opsverify.cost import charge
from opsverify.evidence import Evidence, harmless, one_line
from opsverify.looking import NO_ANSWER, in_seconds
from opsverify.masking import SECRET_HEADERS, SHOWN_INSTEAD

if TYPE_CHECKING:
    import httpx

BODY_AT_MOST = 8 * 1024 * 1024
"""Bytes of a body that are read. A metrics page of a large service has about one megabyte."""

USER_AGENT = "opsverify"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, or why there was none."""

    url: str
    status: int | None
    trouble: str | None
    """Why there is no answer, or no whole one, in words that do not change from run to run."""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float
    within: float
    """Seconds it was given."""
    method: str = "GET"
    asked_with: tuple[tuple[str, str], ...] = ()
    """The headers that the request had of its own."""
    sent: bytes = b""
    secret: bool = False
    """The bodies are nobody's business: evidence has their sizes only."""

    @property
    def answer(self) -> int | str:
        """The status of a whole answer, else what went wrong, as one thing to compare with 200."""
        if self.status is None:
            return in_seconds(self.trouble or NO_ANSWER, self.within)
        return f"{self.status}, but {self.trouble}" if self.trouble else self.status

    @property
    def unreachable(self) -> str | None:
        """Why there was no answer at all; None when there was one, good or bad."""
        return self.trouble if self.status is None else None

    @property
    def evidence(self) -> Evidence:
        """Request and answer as text, without the values of secret headers."""
        lines = [f"{self.method} {self.url}", *_shown_headers(self.asked_with)]
        if self.sent:
            lines += ["", self._shown(self.sent)]
        lines.append("")
        if self.status is not None:
            lines.append(f"{self.status} after {self.seconds * 1000:.0f} ms")
            lines += _shown_headers(self.headers)
        if self.trouble is not None:
            lines.append(f"{self.trouble} (given up after {self.seconds * 1000:.0f} ms)")
        if self.body:
            lines += ["", self._shown(self.body)]
        return Evidence(f"{self.method} {self.url}", "\n".join(lines))

    def _shown(self, body: bytes) -> str:
        return f"({len(body):,} bytes, not kept)" if self.secret else harmless(body)


def _shown_headers(headers: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        f"{name}: {SHOWN_INSTEAD if name.lower() in SECRET_HEADERS else one_line(value)}"
        for name, value in headers
    ]


def get(url: str, *, within: float, ca: Path | None = None) -> Exchange:
    """Ask once with GET: see `send`."""
    return send("GET", url, within=within, ca=ca)


def send(
    method: str,
    url: str,
    *,
    within: float,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    ca: Path | None = None,
    secret: bool = False,
) -> Exchange:
    """Send one request, follow no redirect, and come back in time.

    Args:
        method: GET, POST and so on.
        url: whole address.
        within: seconds for the whole exchange, from connecting to the last byte.
        headers: of the request; values of secret ones are not kept as evidence.
        body: of the request.
        ca: certificate authority to trust beside the system's.
        secret: keep neither body as evidence.
    """
    import httpcore
    import httpx

    began = time.monotonic()
    asked_with = tuple((headers or {}).items())
    status: int | None = None
    answered: tuple[tuple[str, str], ...] = ()
    trouble: str | None = None
    received = bytearray()
    charge(requests=1)
    try:
        with _client(ca).stream(
            method, url, timeout=within, headers=dict(asked_with), content=body or None
        ) as response:
            status = response.status_code
            answered = tuple((name.lower(), value) for name, value in response.headers.items())
            for piece in response.iter_bytes():
                received += piece
                if len(received) > BODY_AT_MOST:
                    trouble = f"its body passed {BODY_AT_MOST // 1024 // 1024} MiB"
                    break
    except httpcore.TimeoutException:
        trouble = NO_ANSWER if status is None else f"its body did not end within {within:g} s"
    except httpcore.RemoteProtocolError as error:
        trouble = f"no HTTP answer: {one_line(str(error))}" if status is None else "its body is cut off"
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.DecodingError, OSError) as error:
        trouble = _plain_words(error)
    return Exchange(
        url,
        status,
        trouble,
        answered,
        bytes(received),
        time.monotonic() - began,
        within,
        method,
        asked_with,
        body,
        secret,
    )


def _plain_words(error: BaseException) -> str:
    """What went wrong below HTTP, in the words an operator uses; without ports or addresses."""
    text = f"{error} {error.__cause__ or error.__context__ or ''}"
    for sign, words in (
        ("Connection refused", "connection refused"),
        ("Name or service not known", "the name does not resolve"),
        ("nodename nor servname", "the name does not resolve"),
        ("Temporary failure in name resolution", "the name does not resolve"),
        ("No address associated", "the name does not resolve"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
        ("Connection reset", "connection reset"),
        ("No route to host", "no route to the host"),
        ("Network is unreachable", "the network is unreachable"),
    ):
        if sign in text:
            return words
    return one_line(f"{type(error).__name__}: {error}")


_making_clients = threading.Lock()


def _client(ca: Path | None) -> httpx.Client:
    with _making_clients:
        return _new_client(ca)


@lru_cache(maxsize=8)
def _new_client(ca: Path | None) -> httpx.Client:
    """One client for all looks: making one costs as much as several requests.

    It takes no proxy and no credentials from the process's environment: a proxy's answer is not
    the target's.
    """
    import httpx

    from opsverify.probes.bounded import BoundedTransport

    verify = ssl.create_default_context()
    if ca is not None:
        verify.load_verify_locations(ca)
    return httpx.Client(
        transport=BoundedTransport(verify),
        trust_env=False,
        follow_redirects=False,
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
    )
