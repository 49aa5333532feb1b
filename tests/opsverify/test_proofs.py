"""A thing is proven of exactly the commit to be deployed, or it is not."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from opsverify.environment import Environment
from opsverify.execution import TAIL_AT_MOST, run
from opsverify.loading import BadEnvironment
from opsverify.looking import CouldNotLook
from opsverify.probes.proofs import deadline, proven
from reference_platform.repository import git
from tests.opsverify.project import Project
from tests.opsverify.stub import Asked, Told, serving


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository with one release that is good, and a commit after it that is not."""
    made = Project(tmp_path / "repository")
    made.commit({"state.txt": "good"}, tag="good")
    return made


def command(code: str, within: float = 20) -> str:
    """A proof by a command in Python."""
    words = json.dumps([sys.executable, "-c", code])
    return f'[[git.proofs]]\nname = "test"\ncommand = {words}\nwithin_seconds = {within}\n'


def findings(environment: Environment) -> tuple[str, ...]:
    """What the first proof lacks, without what it is a proof of."""
    assert environment.git is not None
    seen = proven(environment, environment.git.proofs[0])
    return tuple(one.partition(": ")[2] for one in seen.findings)


def test_a_command_sees_the_commit_and_nothing_else(project: Project, tmp_path: Path) -> None:
    """Not what lies in the working folder, and not a later commit; it leaves nothing there."""
    commit = project.commit({"b.txt": "b"})
    project.commit({"state.txt": "later"})
    (project.folder / "state.txt").write_text("uncommitted")
    code = (
        "import os; assert open('state.txt').read() == 'good'; print(sorted(os.listdir())); open('new', 'w')"
    )
    environment = project.environment(tmp_path / "e", comes=commit, table=command(code))
    assert environment.git is not None
    seen = proven(environment, environment.git.proofs[0])
    assert seen.findings == ()
    assert "'b.txt', 'state.txt']" in seen.evidence[0].text
    assert not (project.folder / "new").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('1 test failed'); raise SystemExit(3)", "exit code 3 (1 test failed)"),
        ("raise SystemExit(1)", "exit code 1 (it printed nothing)"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9 (it printed nothing)"),
        (
            "print('\\x1b[2J\\x1b]0;gone\\x07'); raise SystemExit(1)",
            "exit code 1 (\\x1b[2J\\x1b]0;gone\\x07)",
        ),
    ],
)
def test_a_command_that_fails(project: Project, tmp_path: Path, code: str, said: str) -> None:
    """By its exit code, with its last line, which moves no cursor."""
    environment = project.environment(tmp_path / "e", comes=project.commit({}), table=command(code))
    assert findings(environment) == (said,)


def test_a_command_that_hangs_ends_with_all_it_started(project: Project, tmp_path: Path) -> None:
    """At the end of its time, and no process is left."""
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid)); p.wait()"
    )
    environment = project.environment(tmp_path / "e", comes=project.commit({}), table=command(code, within=2))
    assert findings(environment) == ("did not end within 2 s",)
    _is_gone(int((tmp_path / "pid").read_text()))


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A child that holds the output open neither delays nor outlives it."""
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(p.pid)"
    )
    done = run([sys.executable, "-c", code], folder=tmp_path, variables=os.environ, within=20)
    assert done.status == 0
    assert done.seconds < 15
    _is_gone(int(done.tail))


def _is_gone(pid: int) -> None:
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
    raise AssertionError(f"{pid} still runs")


def test_a_huge_output(tmp_path: Path) -> None:
    """Its end is kept, and its size."""
    code = "import sys; [sys.stdout.write('x' * 1_000_000) for _ in range(50)]; print('the end')"
    done = run([sys.executable, "-c", code], folder=tmp_path, variables=os.environ, within=60)
    assert (done.status, done.size) == (0, 50_000_008)
    assert done.tail.endswith(b"the end\n")
    assert len(done.tail) <= 2 * TAIL_AT_MOST


def test_a_command_sees_no_secret(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those that the environment names, nor what is called like one."""
    names = ("DATABASE_URL", "PROVIDER_KEY_OF_OURS", "GITHUB_TOKEN", "PGPASSWORD", "GIT_DIR", "HARMLESS")
    for name in names:
        monkeypatch.setenv(name, "seen")
    code = f"import os; print(*(n for n in {names} if n in os.environ)); raise SystemExit(1)"
    table = 'github_token_from = "PROVIDER_KEY_OF_OURS"\n' + command(code)
    environment = project.environment(
        tmp_path / "e", comes=project.commit({}), table=table, database="postgresql://u@h/d"
    )
    assert findings(environment) == ("exit code 1 (HARMLESS)",)


def test_a_command_that_is_not_there(project: Project, tmp_path: Path) -> None:
    """Could not look."""
    table = '[[git.proofs]]\nname = "test"\ncommand = ["no-such-program"]\n'
    environment = project.environment(tmp_path / "e", comes=project.commit({}), table=table)
    with pytest.raises(CouldNotLook, match="no-such-program cannot be run"):
        findings(environment)


def test_a_commit_that_the_repository_does_not_have(project: Project, tmp_path: Path) -> None:
    """Nothing can be proven of it."""
    environment = project.environment(tmp_path / "e", comes="a" * 40, table=command("1"))
    with pytest.raises(CouldNotLook, match="repository has no commit aaaaaaaaaaaa, of v2 by its record"):
        findings(environment)


def test_a_repository_elsewhere(project: Project, tmp_path: Path) -> None:
    """It is cloned without its files' contents where it allows that, and those of the commit are fetched."""
    for name in ("allowFilter", "allowAnySHA1InWant"):
        git("-C", str(project.folder), "config", f"uploadpack.{name}", "true")
    commit = project.commit({})
    project.commit({"state.txt": "later"})
    code = "assert open('state.txt').read() == 'good'"
    url = f"file://{project.folder}"
    environment = project.environment(tmp_path / "e", comes=commit, table=command(code), repository=url)
    assert findings(environment) == ()


def test_a_command_may_have_longer_than_all_looks(project: Project, tmp_path: Path) -> None:
    """Its look has the command's own time, and some for the worktree."""
    environment = project.environment(tmp_path / "e", table=command("1", within=600))
    assert environment.git is not None
    assert deadline(environment.git.proofs[0]) > 600


JUNIT = '[[git.proofs]]\nname = "test"\njunit = "junit.xml"\n'
CASE = '<testcase classname="a" name="b"/>'


def stamped(commit: str, cases: str, attributes: str = "") -> str:
    """A JUnit file."""
    stamp = f'<properties><property name="commit" value="{commit}"/></properties>' if commit else ""
    return f"<testsuites><testsuite {attributes}>{stamp}{cases}</testsuite></testsuites>"


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (CASE, ()),
        ("", ("no test ran",)),
        ('<testcase name="b"><skipped/></testcase>', ("no test ran",)),
        (CASE + '<testcase classname="a" name="c"><failure/></testcase>', ("1 failed (a.c)",)),
        (CASE + '<testcase classname="a" name="c"><error/></testcase>', ("1 failed (a.c)",)),
    ],
)
def test_a_junit_file_of_the_commit(
    project: Project, tmp_path: Path, cases: str, said: tuple[str, ...]
) -> None:
    """Proves it when a test ran and none failed."""
    commit = project.commit({})
    environment = project.environment(tmp_path / "e", comes=commit, table=JUNIT)
    for stamp in (commit, commit[:7]):
        (tmp_path / "e" / "junit.xml").write_text(stamped(stamp, cases))
        assert findings(environment) == said


def test_a_junit_file_that_counts_more_than_it_lists(project: Project, tmp_path: Path) -> None:
    """Believes its own count of failures."""
    commit = project.commit({})
    environment = project.environment(tmp_path / "e", comes=commit, table=JUNIT)
    (tmp_path / "e" / "junit.xml").write_text(stamped(commit, CASE, 'failures="2" errors="1"'))
    assert findings(environment) == ("3 failed (not named)",)
    whole = stamped(commit, CASE).replace("<testsuites>", '<testsuites failures=" 2">')
    (tmp_path / "e" / "junit.xml").write_text(whole)
    assert findings(environment) == ("2 failed (not named)",)


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("b" * 40, "its file is of commit bbbbbbbbbbbb"),
        ("", "its file does not say of which commit it is"),
        ("1", "its file is of commit 1"),
    ],
)
def test_a_junit_file_of_another_commit(project: Project, tmp_path: Path, stamp: str, said: str) -> None:
    """Or of none: however good, it proves nothing."""
    environment = project.environment(tmp_path / "e", comes=project.commit({}), table=JUNIT)
    (tmp_path / "e" / "junit.xml").write_text(stamped(stamp, CASE))
    assert findings(environment) == (said,)


def test_no_junit_file(project: Project, tmp_path: Path) -> None:
    """Is no proof; one that cannot be read could not be looked at."""
    environment = project.environment(tmp_path / "e", comes=project.commit({}), table=JUNIT)
    assert findings(environment) == ("there is no junit.xml",)
    (tmp_path / "e" / "junit.xml").write_text("<testsuites><testsuite>")
    with pytest.raises(CouldNotLook, match=r"junit\.xml cannot be read"):
        findings(environment)


def check_run(name: str, sha: str, **more: object) -> dict[str, object]:
    """A check run of GitHub."""
    good = {"id": 1, "name": name, "head_sha": sha, "status": "completed", "conclusion": "success"}
    return {**good, "started_at": "2026-01-05T09:00:00Z", **more}


def on_github(url: str) -> str:
    """A proof by a check run."""
    return f"""
        github = "midst/midst"
        github_api = "{url}"
        github_token_from = "CHECKS_TOKEN"
        [[git.proofs]]
        name = "test"
        check_run = "test"
    """


LATER = "2026-01-05T10:00:00Z"
RUNS = {
    "good": ([check_run("test", "HEAD")], ()),
    "failed": ([check_run("test", "HEAD", conclusion="failure")], ("its check run ended with failure",)),
    "skipped": ([check_run("test", "HEAD", conclusion="skipped")], ("its check run ended with skipped",)),
    "pending": (
        [check_run("test", "HEAD", status="queued", conclusion=None)],
        ("pending: its check run is queued",),
    ),
    "absent": ([check_run("lint", "HEAD")], ("GitHub has no check run test (it has lint)",)),
    "none": ([], ("GitHub has no check run test (it has none at all)",)),
    "of another commit": (
        [check_run("test", "b" * 40)],
        ("GitHub has no check run test (it has test)",),
    ),
    "the latest counts": (
        [check_run("test", "HEAD", started_at=LATER, conclusion="failure"), check_run("test", "HEAD", id=2)],
        ("its check run ended with failure",),
    ),
    "run again": (
        [check_run("test", "HEAD", conclusion="failure"), check_run("test", "HEAD", id=2, started_at=LATER)],
        (),
    ),
}


@pytest.mark.parametrize(("runs", "said"), RUNS.values(), ids=RUNS)
def test_check_runs_of_github(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: list[dict[str, object]],
    said: tuple[str, ...],
) -> None:
    """The latest of that name for that commit has to have ended with success."""
    monkeypatch.setenv("CHECKS_TOKEN", "token-of-the-checks")
    commit = project.commit({})
    asked: list[Asked] = []

    def answer(request: Asked) -> Told:
        asked.append(request)
        own = [{**one, "head_sha": commit if one["head_sha"] == "HEAD" else one["head_sha"]} for one in runs]
        return Told(body=json.dumps({"total_count": len(own), "check_runs": own}))

    with serving(answer) as url:
        environment = project.environment(tmp_path / "e", comes=commit, table=on_github(url))
        assert findings(environment) == said
    assert asked[0].path == f"/repos/midst/midst/commits/{commit}/check-runs?per_page=100&page=1"
    assert asked[0].headers["authorization"] == "Bearer token-of-the-checks"


def test_all_pages_of_github_are_read(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that failed may stand on the last."""
    monkeypatch.setenv("CHECKS_TOKEN", "x")
    commit = project.commit({})
    pages = {
        1: [check_run(f"other {number}", commit) for number in range(100)],
        2: [check_run("test", commit, conclusion="failure")],
    }

    def answer(request: Asked) -> Told:
        page = int(request.path.rpartition("=")[2])
        return Told(body=json.dumps({"total_count": 101, "check_runs": pages.get(page, [])}))

    with serving(answer) as url:
        environment = project.environment(tmp_path / "e", comes=commit, table=on_github(url))
        assert findings(environment) == ("its check run ended with failure",)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told(403, "{}"), "GitHub answers 403 for check runs"),
        (Told(403, "{}", {"X-RateLimit-Remaining": "0"}), "GitHub's rate limit is used up"),
        (Told(429, "{}", {"Retry-After": "60"}), "GitHub's rate limit is used up"),
        (Told(404, "{}"), "GitHub answers 404 for check runs"),
        (Told(200, "[]"), "GitHub answers in another form"),
        (Told(200, '{"check_runs": null, "total_count": 1}'), "GitHub answers in another form"),
        (Told(200, "<html>"), "GitHub answers in another form"),
    ],
)
def test_github_does_not_say(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told, why: str
) -> None:
    """Could not look; that it has no such commit is an answer."""
    monkeypatch.setenv("CHECKS_TOKEN", "x")
    commit = project.commit({})
    with serving(lambda _: told) as url:
        environment = project.environment(tmp_path / "e", comes=commit, table=on_github(url))
        with pytest.raises(CouldNotLook, match=why):
            findings(environment)
    with serving(lambda _: Told(422, '{"message": "No commit found"}')) as url:
        environment = project.environment(tmp_path / "e", comes=commit, table=on_github(url))
        assert findings(environment) == ("GitHub has no check run test (it has none at all)",)


@pytest.mark.parametrize(
    "table",
    [
        '[[git.proofs]]\nname = "test"\ncheck_run = "test"\n',
        'github = "midst"\n',
        JUNIT + JUNIT,
        '[[git.proofs]]\nname = "test"\n',
    ],
)
def test_a_table_that_cannot_be_meant(project: Project, tmp_path: Path, table: str) -> None:
    """A check run without a repository, half a repository, a name twice, no way at all."""
    with pytest.raises(BadEnvironment):
        project.environment(tmp_path / "e", table=table)
