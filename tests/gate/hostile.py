"""What a hostile test needs: a copy of the suite with checks that misbehave, closed ports, full disks."""

from __future__ import annotations

import ast
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gate.gates import CLONE

CHECKS = {"HLT-01", "HLT-02", "HLT-03", "HLT-05", "HLT-06"}
"""What the suite of these tests asks."""

# A suite of one's own


def copy_suite(folder: Path) -> Path:
    """Copy the suite with five of its checks, so that the tests of the gate stay as the catalogue grows."""
    for name in ("fixtures", "reports", "src"):
        shutil.copytree(CLONE / name, folder / name, ignore=shutil.ignore_patterns("out", "node_modules"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy2(CLONE / name, folder / name)
    checks = folder / "checks" / "health"
    checks.mkdir(parents=True)
    for file in sorted((CLONE / "checks" / "health").glob("test_*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        kept = [node for node in module.body if not isinstance(node, ast.FunctionDef) or _is_kept(node)]
        if any(isinstance(node, ast.FunctionDef) for node in kept):
            module.body = kept
            (checks / file.name).write_text(ast.unparse(module), encoding="utf-8")
    return folder


def _is_kept(function: ast.FunctionDef) -> bool:
    marks = [mark for mark in function.decorator_list if isinstance(mark, ast.Call)]
    ids = [ast.literal_eval(word.value) for mark in marks for word in mark.keywords if word.arg == "id"]
    return bool(set(ids) & CHECKS)


def add_check(
    clone: Path,
    body: str,
    *,
    severity: str = "normal",
    before: str = "",
    marks: str = "",
    check: str = "XTR-01",
) -> None:
    """Put a check of post_deploy into a copy of the suite, in a file of its own.

    Args:
        clone: the copy.
        body: the check's statements, on one line.
        severity: of the check.
        before: what stands at the top of the file, after the import of pytest.
        marks: further decorators of the check.
        check: its id.
    """
    number = check.rpartition("-")[2]
    text = f'''
import pytest
{before}

@pytest.mark.check(
    id="{check}", runbook="health-check-urls", severity="{severity}", stages=["post_deploy"], remedy="none",
)
{marks}
def test_extra_{number}():
    """A check that the suite does not have."""
    {body}
'''
    (clone / "checks" / "health" / f"test_extra_{number}.py").write_text(text, encoding="utf-8")


# Hostile surroundings


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections, and is held so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def without_roots_powers() -> tuple[str, ...]:
    """A command that starts another one, so that file modes count for root too.

    Linux only: prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE), capabilities(7).
    """
    code = (
        "import ctypes, os, sys; getattr(ctypes.CDLL(None), 'prctl', int)(24, 1);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return (sys.executable, "-c", code)


def with_files_at_most(size: int) -> tuple[str, ...]:
    """A command that starts another one, whose files cannot grow beyond a size in bytes."""
    code = (
        f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}));"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return (sys.executable, "-c", code)
