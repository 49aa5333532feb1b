"""Bringing the platform up and taking it down, as its user does and as a test run does."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from opsverify.loading import load
from opsverify.pgserver import reachable_by_all
from reference_platform.launching import CLONE, ask
from reference_platform.processes import identify, strays
from reference_platform.waiting import until

OWNER = """
import signal, sys
from pathlib import Path
from reference_platform.lifecycle import on_demand

def stopped(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, stopped)
with on_demand(Path(sys.argv[1])) as platform:
    print(platform.environment, flush=True)
    sys.stdin.read()
"""
"""What a test run does: own a platform for as long as it runs."""


@dataclass(frozen=True)
class Place:
    """A temporary folder of its own, so that nothing here touches platforms of other tests."""

    folder: Path
    owners: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """A state folder, with a space in its path and a parent that is not there yet."""
        return self.folder / "a b" / "state"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of commands that use this place."""
        return {
            **os.environ,
            "TMPDIR": str(self.folder),
            "PYTHONPATH": os.pathsep.join([str(CLONE), str(CLONE / "src")]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *words: str | Path, through: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command of the platform to its end, through another program when one is given."""
        return subprocess.run(
            [*through, sys.executable, "-m", "reference_platform", *map(str, words)],
            env=self.variables,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def up(self, *, through: Sequence[str] = ()) -> dict[str, Any]:
        """Bring a platform up; what `up --json` says."""
        said = self.run("up", "--state", self.state, "--json", through=through)
        assert said.returncode == 0, said.stderr
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    def own(self, *, state: Path | None = None) -> subprocess.Popen[str]:
        """Start a process that owns a platform."""
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(state or self.state)],
            env=self.variables,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.owners.append(process)
        return process

    @property
    def registered(self) -> list[Path]:
        """The folders of the platforms here."""
        return sorted(path for path in self.folder.glob("inmidst-*/*") if path.is_dir())

    @property
    def running(self) -> list[int]:
        """Process ids of the platforms here."""
        return [process.pid for path in self.registered for process in strays(path.name)]

    @property
    def left(self) -> list[str]:
        """All that lies here."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


def memory_of_the_dead() -> set[str]:
    """Shared memory segments whose maker is gone and that nobody uses; they outlive their makers."""
    table = Path("/proc/sysvipc/shm")
    lines = [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
    return {line[1] for line in lines if line[6] == "0" and identify(int(line[4])) is None}


@pytest.fixture
def place() -> Iterator[Place]:
    """A short path that every user can pass through: pytest's own folders are neither."""
    folder = Path(tempfile.mkdtemp(prefix="rp-", dir="/tmp"))
    folder.chmod(0o755)
    here = Place(folder)
    before = memory_of_the_dead()
    yield here
    for process in here.owners:
        process.kill()
        process.communicate()
    assert memory_of_the_dead() <= before
    for path in [*folder.rglob("record.json")]:  # whatever a failed test left up
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "owner": {"pid": 0, "started": "never"}}))
    if here.registered:
        sweep = "from reference_platform.lifecycle import sweep; sweep()"
        subprocess.run([sys.executable, "-c", sweep], env=here.variables, check=True)
    shutil.rmtree(folder)


def modes(folders: Iterable[Path]) -> dict[Path, int]:
    """Mode of each folder."""
    return {folder: folder.stat().st_mode for folder in folders}


def processes_of(entry: str) -> list[int]:
    """Process ids of a platform, by its id."""
    return [process.pid for process in strays(entry)]


def test_up_answers_and_down_leaves_nothing(place: Place) -> None:
    """`up` returns when all is ready; after `down` no process, file, user or mode is left changed."""
    passwd = Path("/etc/passwd").read_bytes()
    programs = Path(sys.executable).resolve()
    before = modes([place.folder, *place.folder.parents, CLONE, *CLONE.parents, *programs.parents])

    found = place.up()
    (entry,) = place.registered
    for name, path in (("api", "/ready"), ("orchestrator", "/ready"), ("web", "/api/health")):
        status, body = ask(found["services"][name]["url"] + path, within=5)
        assert (status, body["status"]) == (200, "ok" if name == "web" else "ready")
    assert processes_of(entry.name)
    said = place.run("down", "--state", place.state)

    assert said.returncode == 0
    assert processes_of(entry.name) == []
    assert place.left == []
    assert Path("/etc/passwd").read_bytes() == passwd
    assert modes(before) == before


def test_what_up_prints_is_the_contract(place: Place) -> None:
    """The JSON has the promised keys, and a second `up` prints the same."""
    found = place.up()
    again = place.run("up", "--state", place.state, "--json")

    assert set(found) == {"state", "environment", "env_file", "services", "postgres", "redis", "backups"}
    assert set(found["services"]) == {"api", "orchestrator", "web"}
    assert all(set(one) == {"url", "pid", "log"} for one in found["services"].values())
    assert set(found["postgres"]) == {"dsn", "pid", "data", "log"}
    assert set(found["redis"]) == {"url", "pid"}
    assert json.loads(again.stdout) == found
    assert "already up" in again.stderr


def test_the_environment_file_is_one_that_anyone_could_have_written(place: Place) -> None:
    """It loads like any other, names the running addresses and holds no secret; the variables are closed."""
    found = place.up()
    file = Path(found["environment"])
    environment = load(file)

    assert environment.name == "local"
    assert not environment.reference_platform
    assert {one.name: one.url for one in environment.services} == {
        name: one["url"] for name, one in found["services"].items()
    }
    assert (
        environment.secrets.require("DATABASE_URL", of="postgres").get_secret_value()
        == (found["postgres"]["dsn"])
    )
    values = [line.partition("=")[2] for line in Path(found["env_file"]).read_text().splitlines()]
    assert not [value for value in values if value in file.read_text() and value != "true"]
    assert stat.S_IMODE(Path(found["env_file"]).stat().st_mode) == 0o600
    assert stat.S_IMODE(place.state.stat().st_mode) == 0o700


def test_two_platforms_do_not_disturb_each_other(place: Place) -> None:
    """Brought up at the same moment, both are ready; taking one down leaves the other."""
    states = [place.folder / "one", place.folder / "two"]
    starting = [
        subprocess.Popen(
            [sys.executable, "-m", "reference_platform", "up", "--json", "--state", str(state)],
            env=place.variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        for state in states
    ]
    one, two = (json.loads(process.communicate(timeout=60)[0]) for process in starting)
    place.run("down", "--state", states[0])

    assert not states[0].exists()
    assert ask(two["services"]["api"]["url"] + "/ready", within=5)[0] == 200
    with pytest.raises(OSError, match="refused"):
        ask(one["services"]["api"]["url"] + "/ready", within=5)


def test_an_ordinary_user_can_bring_it_up(place: Place) -> None:
    """Nothing needs root: as nobody it comes up and goes without trace."""
    if os.getuid() != 0:
        pytest.skip("this run is an ordinary user's: every other test here shows it")
    nobody = pwd.getpwnam("nobody")
    os.chown(place.folder, nobody.pw_uid, nobody.pw_gid)
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    if not all(map(reachable_by_all, (CLONE, Path(sys.executable).parent, Path(sys.base_prefix)))):
        # Python or the clone lies in a closed home: read it all the same, and write no more than before.
        become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]

    found = place.up(through=become)
    assert ask(found["services"]["api"]["url"] + "/ready", within=5)[0] == 200
    assert Path(f"/proc/{found['services']['api']['pid']}").stat().st_uid == nobody.pw_uid
    assert Path(found["postgres"]["data"]).stat().st_uid == nobody.pw_uid
    said = place.run("down", "--state", place.state, through=become)

    assert said.returncode == 0, said.stderr
    assert place.left == []


def test_the_state_folder_may_be_closed(place: Place) -> None:
    """As root, PostgreSQL runs as another user, who cannot enter the state folder and need not."""
    closed = place.folder / "closed"
    closed.mkdir(mode=0o700)
    state = closed / "state"

    said = place.run("up", "--state", state)
    place.run("down", "--state", state)

    assert said.returncode == 0, said.stderr
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_files_of_others_are_not_touched(place: Place) -> None:
    """A folder that holds a file of a platform's name, which no platform made, is refused."""
    place.state.mkdir(parents=True)
    theirs = place.state / "environment.toml"
    theirs.write_text("mine")

    said = place.run("up", "--state", place.state)

    assert said.returncode == 1
    assert "environment.toml" in said.stderr
    assert place.left == ["a b", "a b/state", "a b/state/environment.toml"]
    assert theirs.read_text() == "mine"


def test_a_folder_that_was_there_stays(place: Place) -> None:
    """Only what the platform made is removed: not the folder, and not what else is in it."""
    place.state.mkdir(parents=True)
    (place.state / "notes.txt").write_text("mine")

    place.up()
    place.run("down", "--state", place.state)

    assert place.left == ["a b", "a b/state", "a b/state/notes.txt"]


@pytest.mark.parametrize("words", [["up", "--with=nonsense"], ["nonsense"], ["up", "--nonsense"]])
def test_wrong_usage_is_exit_4(place: Place, words: list[str]) -> None:
    """An unknown part, command or option is wrong usage, and nothing is started."""
    said = place.run(*words, "--state", place.state)

    assert said.returncode == 4
    assert "nonsense" in said.stderr
    assert place.left == []


def test_down_of_nothing_is_no_error(place: Place) -> None:
    """`down` says that nothing is up, and makes nothing."""
    said = place.run("down", "--state", place.state)

    assert (said.returncode, place.left) == (0, [])
    assert "nothing is up" in said.stderr


def test_status_tells_whether_it_is_up(place: Place) -> None:
    """Exit 1 when nothing is up; else the processes."""
    before = place.run("status", "--state", place.state)
    place.up()
    after = place.run("status", "--state", place.state)

    assert before.returncode == 1
    assert after.returncode == 0
    assert "postgres" in after.stdout


def test_a_run_owns_its_platform_and_removes_it(place: Place) -> None:
    """On demand a platform comes up, and goes with the run."""
    owner = place.own()
    assert owner.stdout is not None
    environment = Path(owner.stdout.readline().strip())
    assert load(environment).name == "local"
    owner.communicate(timeout=30)

    assert owner.returncode == 0
    assert place.left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_removes_its_platform(place: Place, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM take the platform down too."""
    owner = place.own()
    assert owner.stdout is not None
    owner.stdout.readline()
    owner.send_signal(number)
    owner.wait(30)

    assert place.left == []


@pytest.mark.parametrize("moment", ["record.json", "processes/redis", "processes/web", "processes/postgres"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_cut_off_leaves_nothing(place: Place, number: signal.Signals, moment: str) -> None:
    """Interrupted while it starts, the run cleans up; killed, the next start does."""
    owner = place.own()
    until(lambda: [*place.folder.glob(f"inmidst-*/*/{moment}")], within=30, what=moment)
    owner.send_signal(number)
    owner.wait(30)
    if number is signal.SIGKILL:
        assert place.left != []
        state = place.folder / "next"
        assert place.run("up", "--state", state).returncode == 0
        assert len(place.registered) == 1
        assert place.run("down", "--state", state).returncode == 0

    assert place.left == []


def test_what_a_killed_run_left_is_swept_by_the_next(place: Place) -> None:
    """After kill -9 the platform still runs; the next run takes it down and has its own."""
    killed = place.own()
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    killed.wait()
    (left,) = place.registered
    assert processes_of(left.name)

    following = place.own()
    assert following.stdout is not None
    following.stdout.readline()

    assert processes_of(left.name) == []
    assert not left.exists()
    following.communicate(timeout=30)
    assert place.left == []


def test_a_second_ctrl_c_leaves_it_to_the_next_start(place: Place) -> None:
    """An interrupted clean-up is taken up again by the next start."""
    owner = place.own()
    assert owner.stdout is not None
    owner.stdout.readline()
    (entry,) = place.registered
    owner.send_signal(signal.SIGINT)
    until(lambda: not (entry / "state" / "platform.json").exists(), within=30, what="clean-up is under way")
    owner.send_signal(signal.SIGINT)
    owner.wait(30)

    assert place.run("up", "--state", place.state).returncode == 0
    assert entry not in place.registered
    assert place.run("down", "--state", place.state).returncode == 0
    assert place.left == []


def test_one_that_is_up_is_used_and_left_up(place: Place) -> None:
    """A platform brought up by hand serves the run, and outlives it."""
    found = place.up()
    owner = place.own()
    assert owner.stdout is not None
    used = owner.stdout.readline().strip()
    owner.communicate(timeout=30)

    assert used == found["environment"]
    assert ask(found["services"]["api"]["url"] + "/ready", within=5)[0] == 200


def test_a_platform_whose_state_folder_was_removed_is_swept(place: Place) -> None:
    """Nobody could take it down by name any more, so the next start does."""
    place.up()
    (lost,) = place.registered
    shutil.rmtree(place.state)

    following = place.own()
    assert following.stdout is not None
    following.stdout.readline()
    following.communicate(timeout=30)

    assert processes_of(lost.name) == []
    assert place.registered == []


def test_a_platform_whose_processes_were_killed_comes_up_again(place: Place) -> None:
    """As after a restart of the machine: `up` removes the remains and starts anew."""
    first = place.up()
    for pid in place.running:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not place.running, within=10, what="all are gone")

    second = place.up()

    assert second["postgres"]["dsn"] != first["postgres"]["dsn"]
    assert len(place.registered) == 1


def test_pg_bin_names_another_postgresql(place: Place) -> None:
    """`PG_BIN` is used where it lies, or refused by name when it is none."""
    said = subprocess.run(
        [sys.executable, "-m", "reference_platform", "up", "--state", str(place.state)],
        env={**place.variables, "PG_BIN": "/nowhere/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 1
    assert "/nowhere/bin" in said.stderr
    assert place.left == []
