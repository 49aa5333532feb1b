"""The HTML report of a hostile target, opened in a real Chromium: nothing of the target's runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from opsverify.environment import BROWSERS
from opsverify.probes.browser import INSTALL
from reports.html import draw
from tests.gate.gates import Answer, Platform, Target

SCRIPT = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'><svg onload='window.pwned = 3'>"
)
HOSTILE = f"{SCRIPT}\x1b[31m\x00\x07\u202e[link](javascript:window.pwned=4) {{{{constructor}}}}"


@pytest.fixture
def chromium() -> str:
    """The browser; without it, or Node, the test is skipped, and fails in CI."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    missing = [
        *([] if browser and importlib.util.find_spec("playwright") else [INSTALL]),
        *([] if shutil.which("node") and shutil.which("npm") else ["Node 20 or newer with npm"]),
    ]
    if missing:
        text = f"needs {' and '.join(missing)}"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    return str(browser)


def test_no_script_of_the_target_runs(
    target: Target, platform: Platform, chromium: str, tmp_path: Path
) -> None:
    """Every result is opened, with message, trace and attachments; the page talks to nobody."""
    from playwright.sync_api import sync_playwright

    platform.says("/health", Answer(HOSTILE.replace("\x00", ""), 500))
    platform.says("/ready", Answer(f'{{"status": "{SCRIPT.replace(chr(34), chr(39))}"}}'))
    platform.says("/metrics", Answer("x" * 10_000_000))
    assert target.gate().exit == 1
    page_file = draw(target.report)
    assert page_file is not None

    asked: list[str] = []
    dialogs: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        shown = ""
        for name in ("HLT-01", "HLT-02", "HLT-03"):
            page.goto(f"{page_file.as_uri()}?query={name}")
            page.get_by_text(f"{name}[api]").first.click()
            page.get_by_text("GET http").first.click()
            page.locator("code, pre").last.wait_for()
            shown += page.inner_text("body")
        pwned = page.evaluate("window.pwned")
        browser.close()
    assert "HLT-03[api]" in shown
    assert "<script>window.pwned" in shown
    assert "cut, 8," in shown
    assert pwned is None
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
