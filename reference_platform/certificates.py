"""The platform's certificate authority, of its own and for it alone, and the public address's certificate."""

from __future__ import annotations

import ssl

from reference_platform import ports
from reference_platform.registry import write_at_once
from reference_platform.state import Platform


def make(platform: Platform) -> None:
    """Make the authority and a certificate for the public address. The authority's key is not kept."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", ports.LOOPBACK)
    platform.tls.mkdir(mode=0o700, exist_ok=True)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    for name, content in (
        ("ca.pem", authority.cert_pem.bytes()),
        ("certificate.pem", chain),
        ("key.pem", issued.private_key_pem.bytes()),
    ):
        write_at_once(platform.tls / name, content.decode("ascii"))


def trusting(platform: Platform) -> ssl.SSLContext:
    """What a client needs to trust the public address."""
    return ssl.create_default_context(cafile=platform.tls / "ca.pem")
