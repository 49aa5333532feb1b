"""The registry holds when many start and end at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference_platform import registry
from reference_platform.launching import CLONE
from reference_platform.processes import Process, myself
from reference_platform.registry import Entry, Record, Unusable

COMING_AND_GOING = """
from pathlib import Path
from reference_platform import registry

for _ in range(200):
    entry = registry.fresh()
    registry.claim(entry, entry.folder / "state", made=None)
    assert entry.record() is not None
    assert entry not in registry.left_over()
    registry.discard(entry)
    registry.tidy()
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of its own. Nothing is started in it, so the path may be long and closed."""
    folder = tmp_path / "base"
    monkeypatch.setattr(registry, "base_path", lambda: folder)
    return folder


def test_coming_and_going_at_once(tmp_path: Path) -> None:
    """The folder of all platforms is made and removed under many hands, and none falls over another."""
    code = COMING_AND_GOING.replace(
        "for _", f"registry.base_path = lambda: Path({str(tmp_path / 'base')!r})\nfor _", 1
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=CLONE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[1] for process in running]

    assert said == [""] * 4
    assert [process.returncode for process in running] == [0] * 4
    assert list(tmp_path.iterdir()) == []


def claimed(owner: Process | None, state: Path) -> Entry:
    """A platform in the registry."""
    entry = registry.fresh()
    registry.claim(entry, state, made=None)
    entry.write(Record(state, None, owner))
    return entry


def test_only_what_nobody_answers_for_is_left_over(base: Path, tmp_path: Path) -> None:
    """An owner that lives, or a state folder that is there, keeps a platform; it is handed out once."""
    gone = Process(os.getpid(), "another start")
    lost = claimed(gone, tmp_path)
    claimed(myself(), tmp_path / "not there")
    claimed(None, tmp_path)
    homeless = claimed(None, tmp_path / "not there")
    unwritten = base / "cut-off"
    unwritten.mkdir()

    found = {entry.folder for entry in registry.left_over()}

    assert found == {lost.folder, homeless.folder, unwritten}
    assert registry.left_over() == []


def test_a_folder_of_somebody_else_is_not_used(base: Path, tmp_path: Path) -> None:
    """Where another user or a link stands in its place, nothing is put."""
    (tmp_path / "theirs").mkdir()
    base.symlink_to(tmp_path / "theirs")

    with pytest.raises(Unusable, match="another user"):
        registry.left_over()


def test_a_temporary_folder_that_is_too_long_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket's path is short, so a long TMPDIR is passed over for /tmp."""
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))

    assert registry.base_path().parent == Path("/tmp")
