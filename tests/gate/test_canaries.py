"""Canaries: secrets put wherever a target, an environment or a check can say them appear in no output."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.gate.gates import Answer, Platform, Target, excuse
from tests.gate.hostile import add_check, closed_port

PASSWORD = 'c4nary-"pass/w0rd+&<ö>'
REDIS_PASSWORD = "c4nary-redis-pw"
WEBHOOK = "c4nary-hook-path"
LOOSE = "c4nary-loose-value"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjNG5hcnkifQ.c4narysignature"
PERSON = "c4nary.person@example.org"

ALL = {
    "raw": PASSWORD,
    "url-encoded": quote(PASSWORD, safe=""),
    "json": json.dumps(PASSWORD)[1:-1],
    "html": html.escape(PASSWORD),
    "repr": repr(PASSWORD)[1:-1],
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
    "base64 inside": base64.b64encode(f"user:{PASSWORD}:x".encode()).decode(),
    "redis": REDIS_PASSWORD,
    "webhook": WEBHOOK,
    "loose": LOOSE,
    "token": TOKEN,
    "bearer": "c4nary-bearer-opaque",
    "cookie": "c4nary-cookie-value",
    "foreign dsn": "c4nary-foreign-pw",
    "stripe": "sk_live_c4narystripe",
    "person": PERSON,
}
ECHO = "\n".join(
    [
        *(form for name, form in ALL.items() if name not in {"bearer", "cookie", "foreign dsn"}),
        f"authorization: Bearer {ALL['bearer']}",
        f"set-cookie: session={ALL['cookie']}; Path=/",
        f"postgresql://someone:{ALL['foreign dsn']}@db.example/x",
    ]
)


@pytest.fixture
def run_texts(target_of_copy: Target, platform: Platform) -> dict[str, str]:
    """Every output of a red run whose target and checks say all of them: files, standard output and error."""
    target = target_of_copy
    platform.says("/health", Answer(json.dumps({"status": "ok", "echo": ECHO}), 500))
    platform.says("/ready", Answer(json.dumps({"status": ECHO}), 503))
    platform.says("/metrics", Answer(ECHO))
    echo = target.folder / "echo.txt"
    echo.write_text(ECHO)
    read = f"import logging, pathlib\nECHO = lambda: pathlib.Path({str(echo)!r}).read_text()"
    add_check(target.suite, "said = ECHO(); print(said); assert said == ''", before=read, check="XTR-01")
    add_check(target.suite, "raise RuntimeError(ECHO())", before=read, check="XTR-02")
    add_check(
        target.suite,
        "logging.getLogger('x').error(ECHO()); assert [] == [ECHO()]",
        before=read,
        check="XTR-03",
    )
    with closed_port() as port:
        secrets = {
            "DATABASE_URL": f"postgresql://midst:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/midst",
            "REDIS_URL": f"redis://:{REDIS_PASSWORD}@127.0.0.1:{port}/0",
            "HOOK": f"http://127.0.0.1:{port}/{WEBHOOK}",
        }
        dotenv = target.folder / "secret.env"
        dotenv.write_text(
            "".join(f"{name}='{value}'\n" for name, value in secrets.items()) + f"LOOSE={LOOSE}\n"
        )
        target.declare(
            '[postgres]\ndsn_from = "DATABASE_URL"\n[redis]\nurl_from = "REDIS_URL"',
            '[notify]\nwebhook_from = "HOOK"',
            "[masking]\npatterns = ['[\\w.]+@example\\.org']",
            excuse("waivers", check="XTR-03"),
            without=(),
        )
        text = target.file.read_text()
        target.file.write_text(
            text.replace("protected = false", 'protected = false\nenv_file = "secret.env"', 1)
        )
        summary = target.folder / "step-summary.md"
        actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
        run = target.gate("-v", "-rA", "--tb=long", variables=actions)
    assert run.exit == 1
    assert "XTR-02" in run.outcomes
    texts = {"stdout": "\n".join(run.out), "stderr": run.err}
    files = [file for file in target.folder.rglob("*") if file.is_file()]
    for file in files:
        if file not in {dotenv, echo} and target.suite not in file.parents and "cache" not in file.parts:
            texts[str(file.relative_to(target.folder))] = file.read_bytes().decode(errors="replace")
    return texts


def test_no_canary_sings(run_texts: dict[str, str]) -> None:
    """Terminal, tracebacks, Allure, attachments, JUnit, summary, gate.json, history: none shows one."""
    assert {"report/gate.json", "report/junit.xml", "report/summary.md", "step-summary.md"} <= set(run_texts)
    found = [(name, where) for where, text in run_texts.items() for name, form in ALL.items() if form in text]
    assert sorted(set(found)) == []
    assert any("•••" in text for text in run_texts.values())


def test_plain_pytest_masks_too(target: Target, platform: Platform, tmp_path: Path) -> None:
    """What stands in a usage error is not a secret either: a broken file repeats no value."""
    target.file.write_text(
        f'schema = 1\nname = "x"\nprotected = false\n[postgres]\ndsn_from = "p://u:{LOOSE}@h"\n'
    )
    run = target.gate()
    run.must_have_refused("postgres.dsn_from")
    assert LOOSE not in run.err + "\n".join(run.out)
