"""The launcher, run as users run it: as a process, from a copy of the clone in a folder with a space."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

from opsverify.check import STAGES

CLONE = Path(__file__).resolve().parent.parent

# Stands in for a tool of an environment: says how it was called.
ECHO = """\
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "pid": os.getpid()}))
sys.exit(int(os.environ.get("EXIT", "0")))
"""


def load_launcher(clone: Path) -> ModuleType:
    """Imports the run.py of a clone, so that its idea of the clone is that folder."""
    spec = importlib.util.spec_from_file_location("run_of_a_clone", clone / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copy_clone(target: Path) -> Path:
    """Copies what a fresh clone has and the launcher and the environments need."""
    target.mkdir()
    for name in ("run.py", "tox.ini", "pyproject.toml"):
        shutil.copy(CLONE / name, target / name)
    for name in ("requirements", "src", "reports"):
        shutil.copytree(CLONE / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    return target


def pretend_prepared(clone: Path, name: str) -> Path:
    """Makes an environment that the launcher takes for prepared, with tools that say how they were called."""
    launcher = load_launcher(clone)
    folder = clone / ".tox" / name
    venv.create(folder, with_pip=False, symlinks=True)
    requirements = launcher.Environments().requirements(name)
    stamp = launcher.Prepared(name, requirements).stamp
    (folder / launcher.STAMP).write_text(stamp, encoding="utf-8")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    package = folder / "lib" / version / "site-packages" / "pytest"
    package.mkdir()
    (package / "__main__.py").write_text(ECHO, encoding="utf-8")
    tool = folder / "bin" / "ruff"
    tool.write_text(f"#!/bin/sh\nexec '{folder}/bin/python' -m pytest \"$@\"\n", encoding="utf-8")
    tool.chmod(0o755)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone in a folder with a space."""
    return copy_clone(tmp_path / "a clone")


@pytest.fixture
def prepared(clone: Path) -> Path:
    """A clone whose environment gate is prepared, with a pytest that says how it was called."""
    pretend_prepared(clone, "gate")
    return clone


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's, outside the clone."""
    folder = tmp_path / "else where"
    folder.mkdir()
    return folder


def launch(
    clone: Path, *arguments: str, folder: Path | None = None, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    """Runs the launcher of a clone from a folder and returns what came out."""
    return subprocess.run(
        [sys.executable, str(clone / "run.py"), *arguments],
        cwd=folder or clone,
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        check=False,
        timeout=300,
    )


def called(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Returns the arguments the stand-in was called with."""
    assert done.stderr == ""
    arguments: list[str] = json.loads(done.stdout)["arguments"]
    return arguments


def test_stages_are_those_of_the_checks() -> None:
    """tox.ini names the stages for the launcher, opsverify for the checks: the same, in the same order."""
    assert tuple(load_launcher(CLONE).Environments().stages) == tuple(STAGES)


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["none", "help"])
def test_help_names_everything(arguments: tuple[str, ...]) -> None:
    """Without arguments or with --help: environments, stages, options, on stdout."""
    done = launch(CLONE, *arguments)
    words = done.stdout.replace("=", " ").split()
    assert done.returncode == 0
    wanted = {
        "local",
        "collect",
        "exec",
        "tests",
        "lint",
        "types",
        "docs",
        "bench",
        "report",
        "--env",
        "--plan",
    }
    assert (wanted | set(STAGES)) - set(words) == set()


def test_unknown_environment_names_the_known(clone: Path) -> None:
    """An unknown ENV is a usage error that says what there is; nothing is prepared for it."""
    done = launch(clone, "post-deploy")
    assert (done.returncode, done.stdout) == (4, "")
    assert "unknown environment 'post-deploy'" in done.stderr
    assert "post_deploy" in done.stderr
    assert not (clone / ".tox").exists()


def test_exec_becomes_the_command(prepared: Path, elsewhere: Path) -> None:
    """Process, folder, stdin, stdout, variables and exit code are the command's own."""
    script = "import os, sys; print(os.getpid(), os.getcwd(), input(), os.environ['X'], sys.prefix); exit(7)"
    with subprocess.Popen(
        [sys.executable, str(prepared / "run.py"), "exec", "python", "-c", script],
        cwd=elsewhere,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "X": "mine"},
    ) as process:
        out, _ = process.communicate("said\n", timeout=60)
    assert out == f"{process.pid} {elsewhere} said mine {prepared / '.tox' / 'gate'}\n"
    assert process.returncode == 7


def test_signals_are_the_commands_own(prepared: Path) -> None:
    """A signal to the launcher's process ends the command, and the caller sees by which."""
    with subprocess.Popen(
        [
            sys.executable,
            str(prepared / "run.py"),
            "exec",
            "python",
            "-c",
            "print('up', flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM


def test_exec_of_nothing_and_of_no_command(prepared: Path) -> None:
    """Both are usage errors with a sentence."""
    nothing, unknown = launch(prepared, "exec"), launch(prepared, "exec", "no-such-command")
    assert (nothing.returncode, unknown.returncode) == (4, 4)
    assert "exec needs a command" in nothing.stderr
    assert "cannot run no-such-command" in unknown.stderr


def test_stage_becomes_pytest_with_the_callers_arguments(prepared: Path) -> None:
    """A stage is the command of gate with --stage; a path after --env or --report is joined to it."""
    done = launch(prepared, "nightly", "--env", "a b/c.toml", "-k", "HLT-02", "--report", "out", EXIT="3")
    arguments = called(done)
    assert arguments[:3] == [f"--rootdir={prepared}", "-c", str(prepared / "pyproject.toml")]
    assert arguments[-5:] == ["--stage=nightly", "--env=a b/c.toml", "-k", "HLT-02", "--report=out"]
    assert done.returncode == 3


def test_local_is_a_stage_of_the_local_environment(prepared: Path) -> None:
    """`local` is short for post_deploy of the environment local."""
    assert called(launch(prepared, "local", "--plan"))[-3:] == [
        "--stage=post_deploy",
        "--env=local",
        "--plan",
    ]


def test_from_another_folder_the_checks_are_named(prepared: Path, elsewhere: Path) -> None:
    """Pytest collects where the caller stands unless told: the launcher names the checks if nobody has."""
    (elsewhere / "test_mine.py").touch()
    bare = launch(prepared, "nightly", "-k", "test_mine.py", folder=elsewhere)
    named = launch(prepared, "nightly", "test_mine.py::test_it", folder=elsewhere)
    plain = launch(prepared, "gate", folder=elsewhere)
    assert called(bare)[-1] == str(prepared / "checks")
    assert called(named)[-1] == "test_mine.py::test_it"
    assert called(plain)[-1] == str(prepared / "tests")
    assert json.loads(bare.stdout)["folder"] == str(elsewhere)


def test_lint_stands_in_the_clone_and_stops_at_the_first_failure(clone: Path, elsewhere: Path) -> None:
    """A tool that finds its settings from the clone runs there; paths count from the caller's folder."""
    pretend_prepared(clone, "lint")
    (elsewhere / "mine.py").touch()
    good = launch(clone, "lint", "mine.py", folder=elsewhere)
    bad = launch(clone, "lint", folder=elsewhere, EXIT="1")
    first, second = (json.loads(line) for line in good.stdout.splitlines())
    assert first["arguments"] == ["check", str(elsewhere / "mine.py")]
    assert second["arguments"] == ["format", "--check", str(elsewhere / "mine.py")]
    assert (first["folder"], good.returncode) == (str(clone), 0)
    assert (len(bad.stdout.splitlines()), bad.returncode) == (1, 1)


def test_a_change_of_the_locks_is_seen(prepared: Path) -> None:
    """An environment is current until tox.ini or one of its own locks changes."""
    launcher = load_launcher(prepared)

    def gate() -> tuple[bool, bool]:
        state = launcher.Prepared("gate", launcher.Environments().requirements("gate"))
        return state.ready(), state.foreign()

    assert gate() == (True, False)
    with (prepared / "requirements" / "lint.txt").open("a") as lock:
        lock.write("# another\n")
    assert gate() == (True, False)
    with (prepared / "requirements" / "stores.txt").open("a") as lock:
        lock.write("# another\n")
    assert gate() == (False, False)


def test_a_clone_that_moved_is_prepared_anew(prepared: Path, tmp_path: Path) -> None:
    """Environments know their place: one that came along with a moved or copied clone is not trusted."""
    moved = prepared.rename(tmp_path / "moved")
    launcher = load_launcher(moved)
    state = launcher.Prepared("gate", launcher.Environments().requirements("gate"))
    assert (state.ready(), state.foreign()) == (False, True)


def test_a_preparation_that_was_cut_is_done_again(prepared: Path) -> None:
    """Without its stamp a folder is half an environment."""
    launcher = load_launcher(prepared)
    (prepared / ".tox" / "gate" / launcher.STAMP).unlink()
    state = launcher.Prepared("gate", launcher.Environments().requirements("gate"))
    assert (state.ready(), state.foreign()) == (False, True)


def test_a_failed_preparation_says_why_and_what_to_do(clone: Path) -> None:
    """Exit 4, the last lines of the log, the remedy, and nothing on stdout."""
    done = launch(clone, "lint", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(clone))
    assert (done.returncode, done.stdout) == (4, "")
    assert "No matching distribution found" in done.stderr
    assert "Remedy:" in done.stderr
    assert "No matching distribution found" in (clone / ".tox" / "lint.log").read_text(encoding="utf-8")


def test_a_python_without_venv_is_told_the_line_that_installs_it(clone: Path, tmp_path: Path) -> None:
    """Debian ships Python without ensurepip, which its venv module needs."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; sys.modules['ensurepip'] = None\n", encoding="utf-8"
    )
    done = launch(clone, "lint", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (4, "")
    assert "apt-get install python3-venv" in done.stderr


def test_an_older_python_is_told_which_it_needs() -> None:
    """The file parses on Python 3.8 and says there which Python it needs, instead of a syntax error."""
    import ast

    ast.parse((CLONE / "run.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    older = (
        "import sys, runpy; sys.version_info = (3, 8, 0); runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", older, str(CLONE / "run.py")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "needs Python 3.11 or newer, this is 3.8" in done.stderr


@pytest.mark.parametrize(("version", "missing"), [("v18.19.0", True), ("v20.1.0", False), (None, True)])
def test_an_old_node_is_none(
    version: str | None, missing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Node on PATH draws the report if it is new enough and has npm, else one of its own does."""
    if version is not None:
        for name in ("node", "npm"):
            (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load_launcher(CLONE).node_is_missing() is missing


def test_a_fresh_clone_prepares_itself_once_for_two_at_a_time(clone: Path, elsewhere: Path) -> None:
    """Two first runs at once: one prepares, both work, and the clone's packages import from any folder."""
    script = "import opsverify, reports.html, redis, psycopg; print(opsverify.__file__)"
    command = [sys.executable, str(clone / "run.py"), "exec", "python", "-c", script]
    first, second = (
        subprocess.Popen(command, cwd=elsewhere, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    with first, second:
        outputs = [process.communicate(timeout=300) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], outputs
    assert {out for out, _ in outputs} == {f"{clone / 'src' / 'opsverify' / '__init__.py'}\n"}
    assert sum("preparing the environment gate" in err for _, err in outputs) == 1
    again = launch(clone, "exec", "python", "-c", script, folder=elsewhere)
    assert (again.returncode, again.stderr) == (0, "")


def test_a_preparation_that_is_killed_or_ended_is_done_again(clone: Path) -> None:
    """Whatever ends the launcher while pip is at work: the next start makes the environment whole."""
    for end, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 2)):
        with subprocess.Popen(
            [sys.executable, str(clone / "run.py"), "lint"], stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert any("ruff" in line for line in process.stderr)
            process.send_signal(end)
            assert process.wait(60) == code
    done = launch(clone, "lint", "--help")
    assert done.returncode == 0
    assert "Usage: ruff" in done.stdout
