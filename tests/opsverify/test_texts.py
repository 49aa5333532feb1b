"""Text from targets is made harmless, and secrets do not get through in any form."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from opsverify.evidence import harmless, one_line
from opsverify.masking import Masker
from opsverify.probes.exposition import read_exposition

SECRET = "pa55 wörd/+&%"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        (b"a\x00b\x07", "a\\x00b\\x07"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
    ],
)
def test_hostile_text_is_harmless(raw: bytes | str, shown: str) -> None:
    """Control characters are shown as text; line breaks and tabs stay."""
    assert harmless(raw) == shown


def test_a_long_text_is_cut_with_its_length() -> None:
    """Ten megabytes of one line become a short one that says how long it was."""
    shown = harmless(b"x" * 10_000_000, at_most=10)
    assert shown == "xxxxxxxxxx… (cut, 10,000,000 bytes in all)"
    assert one_line("a\nb\n  c") == "a b c"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode() + b":more").decode(),
        base64.b64encode(b"a:" + SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    """Raw, URL-encoded and base64, also in the middle of a longer base64 text."""
    masked = Masker([SECRET]).mask(f"before {form} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "•••" in masked
    assert form not in masked


def test_of_an_address_the_password_is_secret() -> None:
    """The password of a connection string is masked wherever it stands; host and user are not."""
    masker = Masker(["postgresql://midst:s3cr3t%2Fpw@db.internal:5432/midst"])
    assert masker.mask("s3cr3t%2Fpw s3cr3t/pw db.internal midst") == "••• ••• db.internal midst"
    assert Masker(["http://host:11434"]).mask("http://host:11434") == "http://host:11434"


@pytest.mark.parametrize(
    ("page", "defect"),
    [
        (b"", "no sample in it"),
        (b"# HELP a b\n# TYPE a counter\n", "no sample in it"),
        (b"<html><body>404</body></html>", "not in the Prometheus text format"),
        (b'{"status":"ok"}', "not in the Prometheus text format"),
        (b'a 1\nb{x="1', "not in the Prometheus text format"),
        (b"a 1\nb", "not in the Prometheus text format"),
        (b"a 1\n\xff\xfe 2\n", "byte 4 is not UTF-8"),
        (b'# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 3\nh_sum 2\n', "h has no count"),
        (b'# TYPE h histogram\nh_bucket{le="1"} 3\n', 'h has no bucket le="+Inf"'),
    ],
)
def test_a_metrics_page_that_is_none_is_seen(page: bytes, defect: str) -> None:
    """HTML, JSON, an empty page and one cut off in a line or between lines are defects."""
    assert [one for one in read_exposition(page).defects if defect in one] != []


def test_a_missing_last_line_break_is_tolerated() -> None:
    """The platform's pages may lack it."""
    page = b'# TYPE a counter\na_total{x="1"} 2\n# TYPE b gauge\nb 3'
    exposition = read_exposition(page)
    assert exposition.defects == ()
    assert exposition.samples == {'a_total{x="1"}': 2.0, "b": 3.0}
