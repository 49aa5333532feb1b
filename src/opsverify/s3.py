"""Questions to an S3 service that clients for objects do not ask: versioning, locks, who may read.

Signed by AWS Signature Version 4 (AWS documentation, Signature Version 4 signing process).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    import httpx

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Keys:
    """Who asks."""

    access: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def request(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    keys: Keys | None,
    region: str,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> httpx.Response:
    """Send one request, signed; without keys anonymously.

    Args:
        client: sends it.
        method: `GET`.
        url: address of a bucket or an object, not quoted.
        keys: who asks; None: nobody.
        region: of the service.
        query: what is asked of it: `{"versioning": ""}`.
        headers: further ones, in small letters, which are signed too.
        body: what is sent.

    Raises:
        httpx.HTTPError: it did not answer.
    """
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe="/-_.~")
    asked = "&".join(
        f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in sorted((query or {}).items())
    )
    signed = dict(headers or {})
    if keys is not None:
        signed = _signed(method, parts.netloc, path, asked, keys, region, signed, body, datetime.now(UTC))
    address = f"{parts.scheme}://{parts.netloc}{path}" + (f"?{asked}" if asked else "")
    return client.request(method, address, headers=signed, content=body)


def _signed(
    method: str,
    host: str,
    path: str,
    query: str,
    keys: Keys,
    region: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    digest = hashlib.sha256(body).hexdigest()
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    every = {**headers, "host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    if keys.token is not None:
        every["x-amz-security-token"] = keys.token
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{every[name]}\n" for name in sorted(every))
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = (moment[:8], region, "s3", "aws4_request")
    to_sign = "\n".join([ALGORITHM, moment, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={keys.access}/{'/'.join(scope)}"
    del every["host"]  # the client sends it
    return {
        **every,
        "authorization": f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}",
    }
