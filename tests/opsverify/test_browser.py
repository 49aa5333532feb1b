"""The page in a real Chromium: what a visitor would miss is seen, and the look ends in time."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsverify.environment import BROWSERS
from opsverify.looking import CouldNotLook
from opsverify.probes import browser
from tests.opsverify.stub import Asked, Told, environment, serving

HTML = {"content-type": "text/html"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _chromium() -> None:
    """Tests of this file need Playwright and a Chromium."""
    there = importlib.util.find_spec("playwright") and any(map(shutil.which, BROWSERS))
    if not there:
        assert "CI" not in os.environ, browser.INSTALL
        pytest.skip(browser.INSTALL)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What a server waits for that hangs; set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def seen(
    folder: Path,
    body: str,
    *,
    others: dict[str, Told] | None = None,
    api: str = "http://127.0.0.1:1",
    limits: str = "",
    table: str = "watched_for_seconds = 0.5",
) -> browser.Rendered:
    """A page of this body, looked at.

    Args:
        folder: for the environment file.
        body: of the page; a whole answer for `/` may be among `others` in its place.
        others: answers by path; 404 for what is not there.
        api: address of the api.
        limits: of the environment.
        table: of the browser.
    """
    answers = {"/": Told(200, f"<!doctype html><body>{body}</body>", HTML), **(others or {})}

    def answer(asked: Asked) -> Told:
        return answers.get(asked.path.partition("?")[0], Told(404))

    with serving(answer) as url:
        target = environment(
            folder, {"web": url, "api": api}, f"needs = []\n[browser]\n{table}\n[limits]\n{limits}"
        )
        assert target.browser is not None
        return browser.page(target, target.browser)


def test_a_good_page_is_good(tmp_path: Path) -> None:
    """With a picture and the console as evidence; what the console says is no error by itself."""
    page = seen(tmp_path, "<main>Hello</main><script>console.error('mind the gap')</script>")
    assert (page.status, page.missing, page.errors, page.failed_requests) == (200, (), (), ())
    picture, told = page.evidence
    assert picture.data is not None
    assert picture.data.startswith(PNG)
    assert picture.media_type == "image/png"
    assert "error: mind the gap" in told.text


@pytest.mark.parametrize(
    "script",
    [
        "throw new Error('broken build')",
        "setTimeout(() => { throw new Error('broken build') }, 300)",
        "Promise.reject(new Error('broken build'))",
    ],
)
def test_an_error_that_nothing_catches_is_seen(tmp_path: Path, script: str) -> None:
    """At once, late, and in a promise."""
    page = seen(tmp_path, f"<main>Hello</main><script>{script}</script>")
    assert page.errors == ("Error: broken build",)
    assert page.missing == ()


@pytest.mark.parametrize("content", ["", "<main></main>", "<main style='display: none'>Hello</main>"])
def test_what_is_not_to_be_seen_is_missing(tmp_path: Path, content: str) -> None:
    """Absent, empty or hidden."""
    page = seen(tmp_path, content, limits="page_renders_at_most_seconds = 1")
    assert (page.status, page.missing) == (200, ("main",))


def test_failed_requests_are_seen(tmp_path: Path) -> None:
    """Of its own hosts all that fail, of others those for data; being asked to log in is no failure."""
    addresses = ["/gone", "/private", "http://127.0.0.1:1/v1", "http://[::1]:2/data"]
    script = f"for (const one of {addresses}) fetch(one).catch(() => 0)"
    page = seen(
        tmp_path,
        f"<main>Hello<img src='http://[::1]:2/pixel'></main><script>{script}</script>",
        others={"/private": Told(401)},
    )
    assert [one.partition(": ")[0].rpartition("/")[2] for one in sorted(page.failed_requests)] == [
        "v1",
        "gone",
        "data",
    ]


def test_what_may_fail_may(tmp_path: Path) -> None:
    """An address that the environment names is nobody's business."""
    page = seen(
        tmp_path,
        "<main>Hello</main><script>fetch('http://[::1]:2/statistics').catch(() => 0)</script>",
        table='watched_for_seconds = 0.5\nmay_fail = ["http://[::1]:2/"]',
    )
    assert page.failed_requests == ()


def test_data_that_never_comes_is_seen(tmp_path: Path, never: threading.Event) -> None:
    """The page is there, and what it asks for is not, until its time is over."""
    page = seen(
        tmp_path,
        "<main>Hello</main><script>fetch('/data').catch(() => 0)</script>",
        others={"/data": Told(wait_for=never)},
        limits="page_renders_at_most_seconds = 2",
    )
    assert len(page.failed_requests) == 1
    assert page.failed_requests[0].endswith("/data: no answer in time")


def test_a_status_of_failure_is_seen(tmp_path: Path) -> None:
    """Whatever the page shows with it."""
    page = seen(tmp_path, "", others={"/": Told(500, "<main>Sorry</main>", HTML)})
    assert page.status == 500


def test_a_loop_of_redirects_ends(tmp_path: Path) -> None:
    """It is what was seen, no cause for not looking."""
    page = seen(tmp_path, "", others={"/": Told(302, "", {"location": "/"})})
    assert page.status == "ERR_TOO_MANY_REDIRECTS"
    assert page.missing == ("main",)


def test_a_page_that_reloads_for_ever_ends(tmp_path: Path) -> None:
    """Each load is a good one; the look comes back all the same."""
    began = time.monotonic()
    seen(
        tmp_path,
        "<main>Hello</main><script>location.reload()</script>",
        limits="page_renders_at_most_seconds = 2",
    )
    assert time.monotonic() - began < 10


def test_a_page_whose_script_never_returns_ends(tmp_path: Path) -> None:
    """Chromium cannot even draw it then."""
    began = time.monotonic()
    page = seen(
        tmp_path,
        "<script>for (;;) {}</script><main>Hello</main>",
        limits="page_renders_at_most_seconds = 1",
    )
    assert time.monotonic() - began < 12
    assert page.missing == ("main",)


def test_a_page_that_never_finishes_loading_ends(tmp_path: Path, never: threading.Event) -> None:
    """Its style does not come."""
    page = seen(
        tmp_path,
        "<main>Hello</main><link rel=stylesheet href=/style.css>",
        others={"/style.css": Told(wait_for=never)},
        limits="page_renders_at_most_seconds = 1",
    )
    assert page.status == "not loaded in 1 s"


def test_a_server_that_hangs_could_not_be_looked_at(tmp_path: Path, never: threading.Event) -> None:
    """Reachability is another check's question."""
    with pytest.raises(CouldNotLook, match="web: no answer in time"):
        seen(tmp_path, "", others={"/": Told(wait_for=never)}, limits="page_renders_at_most_seconds = 1")


def test_a_server_that_is_away_could_not_be_looked_at(tmp_path: Path) -> None:
    """Likewise."""
    target = environment(tmp_path, {"web": "http://127.0.0.1:2"}, "[browser]\n")
    assert target.browser is not None
    with pytest.raises(CouldNotLook, match="web: connection refused"):
        browser.page(target, target.browser)


def test_hostile_text_is_shown_harmless(tmp_path: Path) -> None:
    """Console and errors come from the page."""
    script = "console.log('\\u001b[2J' + 'x'.repeat(9999)); throw Error('\\u202e')"
    page = seen(tmp_path, f"<main>Hello</main><script>{script}</script>")
    text = page.evidence[-1].text
    assert "\x1b" not in text + "".join(page.errors)
    assert len(text) < 2000


def test_without_a_browser_it_could_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    target = environment(tmp_path, {"web": "http://127.0.0.1:2"}, "[browser]\n")
    assert target.browser is not None
    with pytest.raises(CouldNotLook, match="there is no Chromium"):
        browser.page(target, target.browser)
