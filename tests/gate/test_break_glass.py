"""A break-glass record turns stop into go where policy allows it, and stays in the verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.gates import NOT_READY, PAST, Platform, Target, clean_environment

ALLOWED = "[policy.post_deploy]\nbreak_glass = true"
RECORD = {"who": "on-call", "why": "the check is wrong", "ticket": "OPS-7", "until": "2099-12-31"}


def record(folder: Path, **keys: str) -> Path:
    """A break-glass record with these keys changed; an empty one is left out."""
    file = folder / "override.toml"
    lines = [
        f"{key} = {value}" if key == "until" else f'{key} = "{value}"'
        for key, value in (RECORD | keys).items()
        if value
    ]
    file.write_text("\n".join(lines) + "\n")
    return file


def decide(target: Target, override: Path) -> tuple[int, list[str], str, dict[str, object]]:
    """What `python -m reports.gate --override` says: exit code, lines, standard error, the verdict."""
    file = target.folder / "decided.json"
    file.unlink(missing_ok=True)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "reports.gate",
            str(target.report),
            f"--json={file}",
            f"--override={override}",
        ],
        cwd=target.suite,
        env=clean_environment(target.suite, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    verdict = json.loads(file.read_text()) if file.exists() else {}
    return done.returncode, done.stdout.splitlines(), done.stderr, verdict


def stopped(target: Target, platform: Platform, *tables: str) -> None:
    """A run that says stop."""
    platform.says("/ready", NOT_READY)
    target.declare(*tables)
    assert target.gate("--release=v1").exit == 1


def test_a_record_in_force_lets_through_and_stays(target: Target, platform: Platform) -> None:
    """Go, exit 0; who, why, ticket and until are in gate.json, and what was overridden is a warning."""
    stopped(target, platform, ALLOWED)
    exit_code, lines, _, verdict = decide(target, record(target.folder))
    assert (exit_code, verdict["decision"], verdict["reasons"]) == (0, "go", [])
    assert lines[-1].startswith("GATE go ")
    override = verdict["override"]
    assert isinstance(override, dict)
    assert {key: override[key] for key in RECORD} == RECORD
    assert any("HLT-02[api] failed" in str(warning) for warning in list(verdict["warnings"]))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("tables", "keys", "reason"),
    [
        ((), {}, "policy allows no break-glass record"),
        ((ALLOWED,), {"until": PAST}, "ended on 2020-01-31"),
        ((ALLOWED,), {"target": "elsewhere"}, "is for target elsewhere"),
        ((ALLOWED,), {"stage": "nightly"}, "is for stage nightly"),
        ((ALLOWED,), {"release": "v2"}, "is for release v2"),
    ],
    ids=["no policy", "ended", "other target", "other stage", "other release"],
)
def test_a_record_that_does_not_count(
    target: Target, platform: Platform, tables: tuple[str, ...], keys: dict[str, str], reason: str
) -> None:
    """Stop stays stop, and the verdict says why the record did not count."""
    stopped(target, platform, *tables)
    exit_code, _, _, verdict = decide(target, record(target.folder, **keys))
    assert (exit_code, verdict["override"]) == (1, None)
    assert reason in str(verdict["reasons"])


def test_a_part_is_not_let_through(target: Target, platform: Platform) -> None:
    """It turns stop into go, never undecided."""
    platform.says("/ready", NOT_READY)
    target.declare(ALLOWED)
    assert target.gate("-k", "HLT-02").exit == 1
    assert decide(target, record(target.folder))[0] == 3


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"who": ""}, "who: missing"),
        ({"until": "soon"}, "not valid TOML"),
        ({"whos": "x"}, "did you mean 'who'?"),
    ],
)
def test_a_broken_record_is_a_usage_error(
    target: Target, platform: Platform, keys: dict[str, str], words: str
) -> None:
    """File, key and the nearest key; no verdict is given."""
    stopped(target, platform, ALLOWED)
    exit_code, lines, error, _ = decide(target, record(target.folder, **keys))
    assert (exit_code, lines) == (4, [])
    assert words in error
