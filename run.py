#!/usr/bin/env python3
"""Launcher: `python3 run.py ENV [options]` from a fresh clone, with nothing but Python 3.11 or newer.

The first use of an environment makes a pinned tox in .tox/ and prepares the environment with it. Then, and
at every later use at once, this process becomes the command that tox.ini names for ENV: standard streams,
signals, exit code and environment variables are the command's own.

This file must parse on Python 3.8, to say there what is missing.
"""

from __future__ import annotations

import sys

USAGE_ERROR = 4
INTERRUPTED = 2

if sys.version_info < (3, 11):  # before all imports that an older Python lacks
    sys.stderr.write(
        "run.py needs Python 3.11 or newer, this is %d.%d. Start it with a newer one: python3.11 run.py …\n"
        % sys.version_info[:2]
    )
    sys.exit(USAGE_ERROR)

import configparser  # noqa: E402 - the version check stands first
import hashlib  # noqa: E402
import io  # noqa: E402
import itertools  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import shlex  # noqa: E402
from pathlib import Path  # noqa: E402

CLONE = Path(__file__).resolve().parent
TOX = CLONE / ".tox"
STAMP = ".prepared"
LINES_OF_LOG = 15
POLL_SECONDS = 0.05
# Of what pip and tox tell in full: downloads worth waiting for (MB), the installation, complaints.
SHOWN = re.compile(rb"\s+Downloading .* MB\)|Installing|\S+: OK|\S+: FAIL|\S+: \d+ [EC] |ERROR|WARNING")
NODE_AT_LEAST = 20

HELP = """\
usage: python3 run.py ENV [options]      ENV is one of the names below

  python3 run.py local                   start here: judges a real platform brought up on this machine
  python3 run.py STAGE --env=NAME|PATH   judges a platform: 0 go, 1 stop, 2 interrupted, 3 undecided, 4 usage
  python3 run.py exec CMD…               becomes CMD inside the same prepared environment

{names}

options of a gate (those with a value are written with =; pytest's own work too, -k ID picks a check)
  --env=NAME|PATH    the platform: environments/NAME.toml, or a path; else INMIDST_ENV
  --plan             what the stage would ask, write and need; no network
  --release=R        the release judged; default: the newest deployment record
  --settle=S         seconds to wait for a rollout to settle
  --deadline=S       seconds until the run is cut
  --report=DIR       default reports/out/ENVIRONMENT/STAGE
"""


class Refused(Exception):
    """Nothing was run; the text says why and what to do."""


class Environments:
    """What tox.ini says, read the way tox reads the few forms used there."""

    def __init__(self) -> None:
        self._ini = configparser.ConfigParser(interpolation=None)
        self._ini.read(CLONE / "tox.ini", encoding="utf-8")
        self.stages = self._value("launcher", "stages").split()
        self.shortcuts = [name for name in self._ini["launcher"] if name != "stages"]
        self.names = [s.partition(":")[2] for s in self._ini.sections() if s.startswith("testenv:")]

    def _value(self, section: str, key: str) -> str:
        text = self._ini.get(section, key, fallback="")
        return re.sub(r"\{\[([^]]+)\](\w+)\}", lambda found: self._value(found[1], found[2]), text)

    def commands(self, name: str) -> list[list[str]]:
        """Returns the command lines of an environment, stage or shortcut, each ending in {posargs}."""
        if name in self.stages:
            text = self._value("testenv:gate", "commands").replace("{posargs}", f"--stage={name} {{posargs}}")
        elif name in self.shortcuts:
            text = self._value("launcher", name)
        else:
            text = self._value(f"testenv:{name}", "commands")
        return [shlex.split(line) for line in text.splitlines() if line.strip()]

    def runs_in_clone(self, name: str) -> bool:
        """Tells whether the command must stand in the clone: only there its tool finds its settings."""
        return self._ini.has_option(f"testenv:{name}", "change_dir")

    def requirements(self, name: str) -> list[Path]:
        """Returns the lock files of a tox environment."""
        return [CLONE / found for found in re.findall(r"-r (\S+)", self._value(f"testenv:{name}", "deps"))]

    def help(self) -> str:
        """Returns the text of --help."""
        return HELP.format(names=self.list())

    def list(self) -> str:
        """Returns what may stand for ENV, in lines."""
        rows = [(name, self._value(f"testenv:{name}", "description")) for name in self.names]
        rows += [(name, shlex.join(self.commands(name)[0][:-1]) + ", in gate") for name in self.shortcuts]
        rows += [("exec", "the command that follows, in gate")]
        half = len(self.stages) // 2
        lines = ["stages", *(f"  {' '.join(part)}" for part in (self.stages[:half], self.stages[half:]))]
        return "\n".join([*lines, "environments", *(f"  {name:<12} {text}" for name, text in rows)])


class Prepared:
    """One tox environment of this clone."""

    def __init__(self, name: str, requirements: list[Path]) -> None:
        self.name = name
        self.folder = TOX / name
        self.bin = self.folder / "bin"
        # A virtual environment is bound to its interpreter and its place; its content follows from the locks.
        self.bound = f"{sys.implementation.cache_tag} {sys.base_prefix} {CLONE}"
        content = hashlib.sha256()
        for path in [CLONE / "tox.ini", *requirements]:
            content.update(path.read_bytes())
        self.stamp = f"{self.bound}\n{content.hexdigest()}\n"

    def ready(self) -> bool:
        """Tells whether the environment is whole and current, without asking tox."""
        try:
            current = (self.folder / STAMP).read_text(encoding="utf-8") == self.stamp
        except OSError:
            return False
        return current and (self.bin / "python").exists()

    def foreign(self) -> bool:
        """Tells whether the folder must go: half made, of another Python, or moved here with the clone."""
        if not self.folder.exists():
            return False
        try:
            return not (self.folder / STAMP).read_text(encoding="utf-8").startswith(f"{self.bound}\n")
        except OSError:
            return True

    def prepare(self) -> None:
        """Makes the environment whole and current; several callers at once do it one after the other.

        Raises:
            Refused: with the last lines of the log and the remedy.
        """
        import fcntl
        import signal

        # The command's signals are its own; until then both ends mean the same: stop, and say so.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        TOX.mkdir(exist_ok=True)
        with (TOX / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another run is preparing an environment here, waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.ready():
                # tox inherits the lock: if this process is killed, the next one waits for that tox to end.
                self._prepare(lock.fileno())

    def _prepare(self, lock: int) -> None:
        import shutil

        say(f"preparing the environment {self.name} (once, and after a change of its requirements)")
        log = TOX / f"{self.name}.log"
        log.unlink(missing_ok=True)
        tox = launcher_tox(log, lock)
        if self.foreign():
            shutil.rmtree(self.folder)
        (self.folder / STAMP).unlink(missing_ok=True)
        where = ["-c", str(CLONE / "tox.ini"), "--workdir", str(TOX)]
        logged([*tox, "run", *where, "-e", self.name, "--notest", "-vv"], log, lock)
        # A preparation that was cut leaves no stamp, so that it is done again.
        (self.folder / STAMP).write_text(self.stamp, encoding="utf-8")


def launcher_tox(log: Path, lock: int) -> list[str]:
    """Returns the command of the pinned tox, made first where there is none.

    Raises:
        Refused: when this Python cannot make virtual environments, or tox cannot be installed.
    """
    import importlib.util

    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise Refused("this Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv")
    launcher = Prepared(".launcher", [CLONE / "requirements" / "tox.txt"])
    python = str(launcher.bin / "python")
    if not launcher.ready():
        logged([sys.executable, "-I", "-m", "venv", "--clear", str(launcher.folder)], log, lock)
        options = [
            "--require-hashes",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--progress-bar=off",
        ]
        lock_file = str(CLONE / "requirements" / "tox.txt")
        logged([python, "-I", "-m", "pip", "install", *options, "-r", lock_file], log, lock)
        (launcher.folder / STAMP).write_text(launcher.stamp, encoding="utf-8")
    return [python, "-I", "-m", "tox"]


def logged(command: list[str], log: Path, lock: int) -> None:
    """Runs a step of the preparation: all it says goes to the log, what a user waits for also to stderr.

    Raises:
        Refused: when the step fails, with the last lines of the log and the remedy.
    """
    import signal
    import subprocess
    import time

    # Settings of a tox around this run (it may be a test inside one) are not meant for ours.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOX")}
    with log.open("ab") as file, log.open("rb") as told:
        told.seek(0, os.SEEK_END)
        # It writes to the log itself: when this process is killed, it ends its work, then lets go the lock.
        # A session of its own: what ends it, ends pip below it too, at once.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environ,
            pass_fds=[lock],
            cwd=CLONE,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                show(told)
                time.sleep(POLL_SECONDS)
            show(told)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if process.returncode:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES_OF_LOG:])
        raise Refused(
            f"preparation failed. The last lines of {log}:\n{last}\n"
            "Remedy: it needs room on the disk and a Python package index, by network or pip's settings\n"
            "(PIP_INDEX_URL, PIP_FIND_LINKS, PIP_PROXY, PIP_CERT, pip.conf). Then start it again."
        )


def show(told: io.BufferedReader) -> None:
    """Copies to stderr what a user waits for of the lines that a log has grown by."""
    for line in told:
        if SHOWN.match(line):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


def say(text: str) -> None:
    """Writes a line of the launcher's own to stderr; stdout belongs to the command."""
    sys.stderr.write(f"run.py: {text}\n")
    sys.stderr.flush()


def joined(arguments: list[str]) -> list[str]:
    """Returns the arguments with `--env PATH`, `--report PATH` as one word: pytest takes PATH for a test."""
    result: list[str] = []
    words = iter(arguments)
    for word in words:
        value = next(words, None) if word in ("--env", "--report") else None
        result.append(word if value is None else f"{word}={value}")
    return result


def names_a_path(arguments: list[str]) -> bool:
    """Tells whether pytest was given something to collect."""
    values = ("-k", "-m", "-n", "-p", "-c", "-o", "-W", "-r")
    return any(
        not word.startswith("-") and before not in values and Path(word.partition("::")[0]).exists()
        for before, word in itertools.pairwise(["", *arguments])
    )


def for_pytest(command: list[str], arguments: list[str]) -> tuple[list[str], list[str]]:
    """Returns command and arguments that find the clone's settings, plugins and tests from any folder."""
    here = command.index("pytest") + 1
    command = [*command[:here], f"--rootdir={CLONE}", "-c", str(CLONE / "pyproject.toml"), *command[here:]]
    arguments = joined(arguments)
    if Path.cwd() != CLONE and not names_a_path(arguments):
        gate = any(word.startswith("--stage=") for word in [*command, *arguments])
        arguments = [*arguments, str(CLONE / ("checks" if gate else "tests"))]
    return command, arguments


def become(command: list[str], prepared: Prepared) -> None:
    """Replaces this process by the command; does not return.

    Raises:
        Refused: when there is no such command.
    """
    environ = dict(os.environ, VIRTUAL_ENV=str(prepared.folder))
    environ["PATH"] = os.pathsep.join([str(prepared.bin), os.environ.get("PATH", os.defpath)])
    environ.pop("PYTHONHOME", None)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by who called
            stream.flush()
    if any(word.startswith("--stage=") for word in command):
        hold_signals()
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise Refused(f"cannot run {command[0]}: {error.strerror}") from None


def hold_signals() -> None:
    """Holds an interruption back until the gate can say so in its last line; the gate lets them in."""
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def node_is_missing() -> bool:
    """Tells whether PATH lacks npm or a Node that can draw the report."""
    import shutil
    import subprocess

    if not shutil.which("npm"):
        return True
    try:
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=20, check=True)
        return int(re.findall(r"\d+", answer.stdout)[0]) < NODE_AT_LEAST
    except (OSError, subprocess.SubprocessError, IndexError):
        return True


def link() -> None:
    """Makes the clone's packages importable, from any folder, in the environment whose Python runs this."""
    import sysconfig

    lines = b"".join(os.fsencode(path) + b"\n" for path in (CLONE, CLONE / "src"))
    Path(sysconfig.get_path("purelib"), "opsverify-clone.pth").write_bytes(lines)


def main(arguments: list[str]) -> None:
    """Prepares what ENV needs and becomes its command.

    Raises:
        Refused: unknown ENV, or an environment that cannot be prepared.
    """
    known = Environments()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(known.help())
        return
    name, *arguments = arguments
    if name == "--link":
        link()
        return
    if name not in [*known.stages, *known.names, *known.shortcuts, "exec"]:
        raise Refused(f"unknown environment {name!r}. Known are:\n{known.list()}")
    if name == "exec" and not arguments:
        raise Refused("exec needs a command: python3 run.py exec CMD…")
    if name == "report" and node_is_missing():
        name = "report-node"
    environment = name if name in known.names else "gate"
    prepared = Prepared(environment, known.requirements(environment))
    if not prepared.ready():
        prepared.prepare()
    if name == "exec":
        become(arguments, prepared)
    run(known, name, arguments, prepared)


def run(known: Environments, name: str, arguments: list[str], prepared: Prepared) -> None:
    """Runs the commands of ENV in order until one fails, the last one in place of this process."""
    if known.runs_in_clone(name):
        arguments = [str(Path(word).absolute()) if Path(word).exists() else word for word in arguments]
        os.chdir(CLONE)
    *first, last = known.commands(name)
    for command in first:
        import subprocess

        code = subprocess.call([str(prepared.bin / command[0]), *command[1:-1], *arguments])
        if code:
            sys.exit(code)
    command = [str(prepared.bin / last[0]), *last[1:-1]]
    if "pytest" in command:
        command, arguments = for_pytest(command, arguments)
    become([*command, *arguments], prepared)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        say(str(refused))
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(INTERRUPTED)
    except OSError as error:
        say(f"{error}. The launcher needs to read and write {TOX}")
        sys.exit(USAGE_ERROR)
