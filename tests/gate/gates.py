"""Gate runs as pipelines start them: processes of their own, against a platform whose answers a test sets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema

from reports.gate import decide

CLONE = Path(__file__).resolve().parents[2]
FAR = "2099-12-31"
PAST = "2020-01-31"
WAIT_AT_MOST = 30
"""Seconds after which a test gives up waiting; a gate run takes about one."""

HEALTHY = "HLT-01[api]"
READY = "HLT-02[api]"
METRICS = "HLT-03[api]"
POSTGRES = "HLT-05[none-declared]"
REDIS = "HLT-06[none-declared]"
DECISIONS = {0: "go", 1: "stop", 2: "undecided", 3: "undecided"}
_LINE = re.compile(r"GATE (go|stop|undecided) target=(\S+) stage=(\S+) report=(.+)")


# The platform


@dataclass(frozen=True)
class Answer:
    """What the platform says on a path."""

    body: str
    status: int = 200


READY_ANSWER = Answer('{"status": "ready"}')
NOT_READY = Answer('{"status": "degraded"}', 503)
GOOD_ANSWERS = {
    "/health": Answer('{"status": "ok"}'),
    "/ready": READY_ANSWER,
    "/metrics": Answer("# TYPE requests counter\nrequests_total 7\n# EOF\n"),
}


class Platform:
    """One real HTTP service on a free loopback port: healthy until a test says otherwise."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Answer]] = {path: [answer] for path, answer in GOOD_ANSWERS.items()}
        self._held: set[str] = set()
        self._asked: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def says(self, path: str, *answers: Answer) -> None:
        """Answer so on a path, one after the other; the last one again and again."""
        with self._changed:
            self._answers[path] = list(answers)

    def hold(self, path: str) -> None:
        """Give no answer on a path until it is let go."""
        with self._changed:
            self._held.add(path)

    def let_go(self) -> None:
        """Answer what is held."""
        with self._changed:
            self._held.clear()
            self._changed.notify_all()

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        with self._changed:
            return self._asked[path]

    def wait_until_asked(self, path: str) -> None:
        """Wait until somebody asks for a path."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._asked[path] > 0, WAIT_AT_MOST)

    def close(self) -> None:
        """Stop, and let go of everybody who waits."""
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer_to(self, path: str) -> Answer:
        with self._changed:
            self._asked[path] += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: path not in self._held, WAIT_AT_MOST)
            answers = self._answers.get(path, [Answer("", 404)])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer_to = self._answer_to

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answer_to(self.path)
                body = answer.body.encode()
                self.send_response(answer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has gone; that is what some tests are about."""


# The environment file


def excuse(table: str, *, until: str = FAR, **names: str) -> str:
    """A gap or a waiver as a table of an environment file."""
    keys = {**names, "reason": "known here", "owner": "ops"}
    lines = [f"[[{table}]]", *(f'{key} = "{value}"' for key, value in keys.items()), f"until = {until}"]
    return "\n".join(lines)


@dataclass
class Target:
    """An environment file in a folder of the test's own, and the gate runs against it."""

    folder: Path
    url: str
    suite: Path
    """The copy of the suite that judges."""
    name: str = "hostile"

    @property
    def file(self) -> Path:
        """The environment file."""
        return self.folder / "environment.toml"

    @property
    def report(self) -> Path:
        """The report folder of every run that names no other."""
        return self.folder / "report"

    def declare(
        self,
        *tables: str,
        protected: bool = False,
        services: bool = True,
        without: tuple[str, ...] = ("postgres", "redis"),
    ) -> None:
        """Write the environment file: the service, gaps for what it is without, and further tables."""
        head = f'schema = 1\nname = "{self.name}"\nprotected = {str(protected).lower()}'
        service = f'[[services]]\nname = "api"\nurl = "{self.url}"' if services else ""
        gaps = [excuse("gaps", without=noun) for noun in without]
        self.file.write_text("\n\n".join([head, service, *gaps, *tables]) + "\n", encoding="utf-8")

    def start(
        self,
        *options: str,
        stage: str = "post_deploy",
        report: Path | None = None,
        under: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> StartedGate:
        """Start a gate run; `under` is a command that starts it in its turn."""
        report = report or self.report
        command = [*under, sys.executable, "-m", "pytest", f"--stage={stage}", f"--env={self.file}"]
        command += [f"--report={report}", "--settle=0", "-o", f"cache_dir={self.folder / 'cache'}", *options]
        return StartedGate(command, self.suite, report, clean_environment(self.suite, variables or {}))

    def gate(
        self,
        *options: str,
        stage: str = "post_deploy",
        report: Path | None = None,
        under: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> GateRun:
        """Run a gate to its end, and see to it that line, exit code and gate.json agree."""
        started = self.start(*options, stage=stage, report=report, under=under, variables=variables)
        run = started.wait()
        run.must_tell_one_story()
        return run


def clean_environment(suite: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The process's variables without those that would change a gate run, and with these."""
    ours = ("PYTEST_", "PYTHON", "GITHUB_", "INMIDST_", "FORCE_COLOR", "NO_COLOR", "PY_COLORS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": f"{suite}{os.pathsep}{suite / 'src'}", **variables}


# The runs


@dataclass
class GateRun:
    """A gate run that has ended."""

    exit: int
    out: list[str]
    err: str
    report: Path

    @property
    def line(self) -> str:
        """The last line on stdout."""
        return self.out[-1] if self.out else ""

    @property
    def verdict(self) -> dict[str, Any]:
        """gate.json."""
        found: dict[str, Any] = json.loads((self.report / "gate.json").read_bytes())
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcome of each check, by name."""
        return outcomes(self.verdict)

    def check(self, name: str) -> dict[str, Any]:
        """One check of gate.json."""
        return next(check for check in self.verdict["checks"] if _name(check) == name)

    def must_tell_one_story(self) -> None:
        """The last line, the exit code, gate.json and a later decision from the same results agree."""
        said = [line for line in self.out if line.startswith("GATE ")]
        assert self.exit in {*DECISIONS, 4}, self.err
        if self.exit == 4:
            assert said == []
            return
        assert said == [self.line], self.err
        match = _LINE.fullmatch(self.line)
        assert match is not None
        verdict = self.verdict
        assert match.groups() == (
            verdict["decision"],
            verdict["target"],
            verdict["stage"],
            str(self.report),
        )
        assert (verdict["exit"], verdict["decision"]) == (self.exit, DECISIONS[self.exit])
        assert bool(verdict["reasons"]) == (verdict["decision"] != "go")
        must_follow_schema(self.report)
        again = json.loads(decide([self.report]).model_dump_json())
        assert (again["decision"], outcomes(again)) == (verdict["decision"], self.outcomes)

    def must_have_refused(self, *words: str) -> None:
        """A usage error: exit 4, no GATE line, and a message that names what was wrong."""
        assert self.exit == 4, self.out
        assert [line for line in self.out if line.startswith("GATE ")] == []
        assert [word for word in words if word not in self.err] == [], self.err


def outcomes(verdict: dict[str, Any]) -> dict[str, str]:
    """Outcome of each check of a verdict, by name."""
    return {_name(check): check["outcome"] for check in verdict["checks"]}


def _name(check: dict[str, Any]) -> str:
    return f"{check['id']}[{check['subject']}]" if check["subject"] else str(check["id"])


def must_follow_schema(report: Path) -> None:
    """gate.json and run.json follow the schemas that are published in docs/schemas."""
    for file, schema in ((report / "gate.json", "gate"), (report / "results" / "run.json", "run")):
        _validator(schema).validate(json.loads(file.read_bytes()))


@lru_cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((CLONE / "docs" / "schemas" / f"{name}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@dataclass
class StartedGate:
    """A gate run under way, in a process group of its own."""

    command: list[str]
    suite: Path
    report: Path
    variables: dict[str, str]
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            cwd=self.suite,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait(self) -> GateRun:
        """Wait for its end; one that does not come to it is killed with all that it has started."""
        try:
            out, err = self.process.communicate(timeout=WAIT_AT_MOST)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            out, err = self.process.communicate()
            raise AssertionError(f"the gate run did not end within {WAIT_AT_MOST} s:\n{out}{err}") from None
        return GateRun(self.process.returncode, out.splitlines(), err, self.report)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something can be seen from outside, while the run is under way."""
        ends = time.monotonic() + WAIT_AT_MOST
        while not condition():
            assert self.process.poll() is None, "the gate run has ended"
            assert time.monotonic() < ends
            time.sleep(0.005)
