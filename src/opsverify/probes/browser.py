"""The web page as a visitor has it: in a real browser, with a picture and the console."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opsverify.environment import BROWSERS, Browser, Environment, Service
from opsverify.evidence import Evidence, one_line
from opsverify.looking import NO_ANSWER, CouldNotLook, Snapshot

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

INSTALL = (
    "python3 run.py exec python -m pip install playwright, and a Chromium (Debian: apt-get install chromium)"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STARTS_WITHIN_SECONDS = 15
PICTURE_WITHIN_SECONDS = 3
ENDS_WITHIN_SECONDS = 50.0
"""The browser with all that its page may do; what hangs longer is given up."""
ASKED_TO_LOG_IN = frozenset({401, 403})
"""What a page may well be answered when its visitor is nobody."""
ABORTED = "ERR_ABORTED"
"""How a request ends that the page itself gave up."""
DATA = frozenset({"fetch", "xhr"})
"""Requests by scripts for data: without it the page is not what it should be, wherever it comes from."""
ASK_AGAIN_AFTER_SECONDS = 0.1
KEPT_AT_MOST = 50
"""Errors, failed requests and console lines each that are kept."""

_UNREACHABLE = {
    "ERR_CONNECTION_REFUSED": "connection refused",
    "ERR_NAME_NOT_RESOLVED": "the name does not resolve",
    "ERR_CONNECTION_RESET": "connection reset",
    "ERR_ADDRESS_UNREACHABLE": "no route to the host",
    "ERR_INTERNET_DISCONNECTED": "the network is unreachable",
    "ERR_CERT_": "its certificate is not trusted",
}


@dataclass(frozen=True, kw_only=True)
class Rendered(Snapshot):
    """A page after it was loaded, and watched for a while."""

    status: int | str
    """Of the page itself; or why it was not loaded: `ERR_TOO_MANY_REDIRECTS`, `not loaded in 15 s`."""
    missing: tuple[str, ...]
    """Selectors of what should be visible and is not."""
    errors: tuple[str, ...]
    """Errors that nothing caught."""
    failed_requests: tuple[str, ...]
    """Requests that failed: to the platform's own hosts, or for data wherever it is."""
    seconds: float
    """Until the expected element was visible."""

    def measures(self) -> dict[str, float]:
        """The time until the page was there."""
        return {} if self.missing else {"page_renders_seconds": round(self.seconds, 3)}


def page(environment: Environment, browser: Browser) -> Rendered:
    """Open the web page at its public address, where it has one, and watch it.

    Raises:
        CouldNotLook: there is no browser, no service named web, or it does not answer at all.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise CouldNotLook(
            "browser", "playwright is not installed", remedy=f"Install it: {INSTALL}."
        ) from None

    web = _web(environment)
    executable = _executable(environment, browser)
    within = environment.limits.page_renders_at_most_seconds
    visit = _Visit((web.public_url or web.address("")) + browser.path, environment, browser)
    with ExitStack() as closing:
        playwright = closing.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(
            executable_path=executable, args=list(FLAGS), timeout=STARTS_WITHIN_SECONDS * 1000
        )
        closing.callback(chromium.close)
        # Chromium knows the system's authorities only; where the environment names one, HLT-04 judges it.
        context = chromium.new_context(ignore_https_errors=web.ca is not None)
        context.set_default_timeout(within * 1000)
        return visit.of(context.new_page(), within)


class _Visit:
    """What happens while a page is open."""

    def __init__(self, url: str, environment: Environment, browser: Browser) -> None:
        self._url = url
        self._browser = browser
        self._hosts = {
            urlsplit(address).hostname
            for service in environment.services
            for address in (service.url, service.public_url)
            if address
        }
        self._errors: list[str] = []
        self._failed: list[str] = []
        self._console: list[str] = []
        self._answered = False
        self._awaited: list[Request] = []
        """Requests for data that have no answer yet."""

    def of(self, page: Page, within: float) -> Rendered:
        """Load the page and watch it.

        Raises:
            CouldNotLook: nobody answers at its address.
        """
        from playwright.sync_api import Error
        from playwright.sync_api import TimeoutError as NotInTime

        page.on("pageerror", self._on_error)
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_end)
        page.on("requestfailed", self._on_failure)
        page.on("response", self._on_response)
        page.on("console", self._on_console)
        page.on("crash", lambda _: self._keep(self._errors, "the page crashed"))
        began = time.monotonic()
        status: int | str = "no status"
        missing: tuple[str, ...] = ()
        try:
            answer = page.goto(self._url, wait_until="load")
            status = answer.status if answer is not None else status
            left = max(0.001, within - (time.monotonic() - began))
            page.locator(self._browser.selector).first.wait_for(state="visible", timeout=left * 1000)
        except NotInTime:
            if not self._answered:
                raise CouldNotLook("web", NO_ANSWER, evidence=self._told()) from None
            status = status if isinstance(status, int) else f"not loaded in {within:g} s"
            missing = (self._browser.selector,)
        except Error as error:
            status = self._what_went_wrong(error)
            missing = (self._browser.selector,)
        seconds = time.monotonic() - began
        picture = self._watched(page, until=began + within)
        return Rendered(
            where=self._url,
            status=status,
            missing=missing,
            errors=tuple(self._errors),
            failed_requests=tuple(self._failed),
            seconds=seconds,
            evidence=(*picture, *self._told()),
        )

    def _watched(self, page: Page, *, until: float) -> tuple[Evidence, ...]:
        """Wait for late failures and for data under way, and take a picture of what is there then."""
        from playwright.sync_api import Error

        try:
            page.wait_for_timeout(self._browser.watched_for_seconds * 1000)
            while self._awaited and time.monotonic() < until:
                page.wait_for_timeout(ASK_AGAIN_AFTER_SECONDS * 1000)
            for request in self._awaited:
                self._keep(self._failed, f"{request.method} {request.url}: {NO_ANSWER}")
            picture = page.screenshot(timeout=PICTURE_WITHIN_SECONDS * 1000)
        except Error as error:  # the page hangs, crashed or was never there
            self._console.append(f"no picture: {_first_line(error)}")
            return ()
        return (Evidence("page", data=picture, media_type="image/png"),)

    def _told(self) -> tuple[Evidence, ...]:
        parts = {"errors": self._errors, "failed requests": self._failed, "console": self._console}
        text = "\n\n".join(
            "\n".join([f"{name}:", *(f"  {one}" for one in lines or ["none"])])
            for name, lines in parts.items()
        )
        return (Evidence("browser", f"GET {self._url}\n\n{text}"),)

    def _what_went_wrong(self, error: Error) -> str:
        """Why the page was not loaded.

        Raises:
            CouldNotLook: because nobody answers at its address.
        """
        words = _first_line(error)
        for sign, why in _UNREACHABLE.items():
            if sign in words and not self._answered:
                raise CouldNotLook("web", why, evidence=self._told()) from None
        code = re.search(r"ERR_[A-Z_]+", words)
        return code.group() if code else words

    def _keep(self, kept: list[str], what: str) -> None:
        if len(kept) < KEPT_AT_MOST:
            kept.append(one_line(what, at_most=300))

    def _on_error(self, error: Error) -> None:
        self._keep(self._errors, f"{error.name}: {error.message}" if error.name else error.message)

    def _on_console(self, message: ConsoleMessage) -> None:
        self._keep(self._console, f"{message.type}: {message.text}")

    def _on_response(self, response: Response) -> None:
        self._answered = True
        bad = response.status >= HTTPStatus.BAD_REQUEST and response.status not in ASKED_TO_LOG_IN
        if bad and self._is_ours(response.request):
            self._keep(self._failed, f"{response.request.method} {response.url}: {response.status}")

    def _on_request(self, request: Request) -> None:
        if request.resource_type in DATA and not request.url.startswith(self._browser.may_fail):
            self._awaited.append(request)

    def _on_end(self, request: Request) -> None:
        if request in self._awaited:
            self._awaited.remove(request)

    def _on_failure(self, request: Request) -> None:
        self._on_end(request)
        why = request.failure or "failed"
        if ABORTED in why or request.url.startswith(self._browser.may_fail):
            return
        if self._is_ours(request) or request.resource_type in DATA:
            self._keep(self._failed, f"{request.method} {request.url}: {why}")

    def _is_ours(self, request: Request) -> bool:
        return urlsplit(request.url).hostname in self._hosts


def _first_line(error: Error) -> str:
    return one_line(error.message.partition("\n")[0])


def _web(environment: Environment) -> Service:
    for service in environment.services:
        if service.name == "web":
            return service
    raise CouldNotLook("browser", f"the environment {environment.name} declares no service named web")


def _executable(environment: Environment, browser: Browser) -> str:
    """The browser's program.

    Raises:
        CouldNotLook: there is none.
    """
    named = environment.path(browser.executable)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise CouldNotLook("browser", "there is no Chromium", remedy=f"Install it: {INSTALL}.")
    return found
