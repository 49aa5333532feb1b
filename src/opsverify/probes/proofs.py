"""Whether a thing is proven of exactly the commit to be deployed: by a command, a JUnit file, a check run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from opsverify.environment import Environment, Git, Proof, Table
from opsverify.evidence import SHOWN_AT_MOST, Evidence, harmless, one_line
from opsverify.execution import Finished, run, without_secrets
from opsverify.git import repository
from opsverify.looking import CouldNotLook, Snapshot
from opsverify.migrations import commit_of
from opsverify.probes import http
from opsverify.records import coming

IMPORTS = ("httpx", "opsverify.probes.bounded")
"""What is imported before the looks start, and not in their threads."""

JUNIT_AT_MOST = 64 * 1024 * 1024
PAGES_AT_MOST = 30
PER_PAGE = 100
SPARE = "Look again in an hour at most; with a token (github_token_from under [git]) it is larger."
WITHIN_SECONDS = 9.0
"""For one page of GitHub's."""
STARTING_TAKES_SECONDS = 15
"""What a look at a proof has beside the command's own time: the worktree, and the records."""


@dataclass(frozen=True, kw_only=True)
class Proven(Snapshot):
    """What is known of one proof of the commit to be deployed."""

    findings: tuple[str, ...]
    """Why it is not proven: `test for 1bbbab7e0c2a: exit code 1 (FAILED (failures=1))`."""


def proven(environment: Environment, proof: Proof) -> Proven:
    """Look for a proof of the commit of the release to come, in the way that the environment names.

    Raises:
        CouldNotLook: which commit that is cannot be told, or what would prove it cannot be asked.
    """
    if environment.git is None:
        raise CouldNotLook("git", f"the environment {environment.name} declares none")
    commit = commit_of(environment, coming(environment))
    if proof.command:
        where, findings, evidence = _by_command(environment, proof, commit)
    elif proof.junit is not None:
        where, findings, evidence = _by_junit(environment.beside(proof.junit), commit)
    else:
        where, findings, evidence = _by_check_run(environment, environment.git, proof, commit)
    named = tuple(f"{proof.name} for {commit[:12]}: {finding}" for finding in findings)
    return Proven(where=where, findings=named, evidence=evidence)


def deadline(proof: Proof) -> float:
    """Seconds that a look at a proof has."""
    return proof.within_seconds + STARTING_TAKES_SECONDS


Found = tuple[str, list[str], tuple[Evidence, ...]]
"""Where, findings, evidence."""


def _by_command(environment: Environment, proof: Proof, commit: str) -> Found:
    shown = " ".join(proof.command)
    tables = [table for _, table in environment if isinstance(table, Table)]
    secret = {name for table in tables for name in table.takes_secrets_from()}
    with repository(environment).worktree(commit) as folder:
        try:
            done = run(
                proof.command,
                folder=folder,
                variables=without_secrets(secret),
                within=proof.within_seconds,
            )
        except OSError as error:
            raise CouldNotLook(
                "git", f"the command {proof.command[0]} cannot be run: {error.strerror}", remedy="Install it."
            ) from None
    ended = f"exit code {done.status} after {done.seconds:.1f} s, {done.size:,} bytes printed"
    said = f"$ {shown}\n{ended}\n\n{harmless(done.tail[-SHOWN_AT_MOST:])}"
    where = f"{shown} in a worktree of {commit[:12]}"
    return where, list(_of_command(proof, done)), (Evidence("output", said),)


def _of_command(proof: Proof, done: Finished) -> Iterator[str]:
    if done.status is None:
        yield f"did not end within {proof.within_seconds:g} s"
    elif done.status != 0:
        lines = [line for line in done.tail.splitlines() if line.strip()] or [b"it printed nothing"]
        what = f"exit code {done.status}" if done.status > 0 else f"ended by signal {-done.status}"
        yield f"{what} ({one_line(lines[-1])})"


def _by_junit(file: Path, commit: str) -> Found:
    try:
        if file.stat().st_size > JUNIT_AT_MOST:
            raise CouldNotLook("git", f"{file.name} is larger than {JUNIT_AT_MOST // 1024 // 1024} MiB")
        root = ElementTree.fromstring(file.read_bytes())  # noqa: S314 - expat bounds entities since 2.4.1
    except FileNotFoundError:
        return file.name, [f"there is no {file.name}"], ()
    except (OSError, ElementTree.ParseError) as error:
        raise CouldNotLook("git", f"{file.name} cannot be read: {one_line(str(error))}") from None
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    commits = {
        one.get("value") or (one.text or "").strip()
        for holder in (root, *root.iter("testsuite"))
        for one in holder.findall("properties/property")
        if one.get("name") == "commit"
    }
    cases = list(root.iter("testcase"))
    bad = [one for one in cases if one.find("failure") is not None or one.find("error") is not None]
    ran = [one for one in cases if one.find("skipped") is None]
    counted = max(_failures(root), sum(map(_failures, suites)))
    names = ", ".join(one_line(f"{one.get('classname', '')}.{one.get('name', '')}") for one in bad[:5])
    findings = [*_of_stamp(commits, commit)]
    if bad or counted:
        findings.append(f"{max(len(bad), counted)} failed ({names or 'not named'})")
    if not ran:
        findings.append("no test ran")
    said = f"{file.name}\ncommit: {', '.join(sorted(commits)) or 'none'}\n{len(ran)} ran, {len(bad)} failed"
    return file.name, findings, (Evidence("JUnit", harmless(said)),)


def _of_stamp(commits: set[str], commit: str) -> Iterator[str]:
    if not commits:
        yield "its file does not say of which commit it is"
    elif not all(len(one) >= 7 and commit.startswith(one.lower()) for one in commits):
        yield f"its file is of commit {', '.join(one_line(one, at_most=40)[:12] for one in sorted(commits))}"


def _failures(suite: ElementTree.Element) -> int:
    values = [suite.get(name, "0").strip() for name in ("failures", "errors")]
    return sum(int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 10)


def _by_check_run(environment: Environment, git: Git, proof: Proof, commit: str) -> Found:
    name = proof.check_run or ""
    owner, _, project = (git.github or "").partition("/")
    url = f"{git.github_api}/repos/{quote(owner)}/{quote(project)}/commits/{commit}/check-runs"
    headers = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
    if git.github_token_from is not None:
        token = environment.secrets.require(git.github_token_from, of="git").get_secret_value()
        headers["authorization"] = f"Bearer {token}"
    runs, evidence = _check_runs(url, headers)
    own = [one for one in runs if one.get("name") == name and one.get("head_sha", commit) == commit]
    if not own:
        others = ", ".join(sorted({one_line(str(one.get("name"))) for one in runs})) or "none at all"
        return url, [f"GitHub has no check run {name} (it has {others})"], evidence
    latest = max(own, key=lambda one: (str(one.get("started_at") or ""), _id(one)))
    status, conclusion = latest.get("status"), latest.get("conclusion")
    if status != "completed":
        return url, [f"pending: its check run is {one_line(str(status))}"], evidence
    if conclusion != "success":
        return url, [f"its check run ended with {one_line(str(conclusion))}"], evidence
    return url, [], evidence


def _used_up(exchange: http.Exchange) -> bool:
    headers = {name.lower(): value for name, value in exchange.headers}
    return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def _id(check_run: dict[str, Any]) -> int:
    number = check_run.get("id")
    return number if isinstance(number, int) else 0


def _check_runs(url: str, headers: dict[str, str]) -> tuple[list[dict[str, Any]], tuple[Evidence, ...]]:
    """Every check run of a commit, over all pages, and the answers."""
    found: list[dict[str, Any]] = []
    evidence: list[Evidence] = []
    for page in range(1, PAGES_AT_MOST + 1):
        exchange = http.send(
            "GET", f"{url}?per_page={PER_PAGE}&page={page}", within=WITHIN_SECONDS, headers=headers
        )
        evidence.append(exchange.evidence)
        if exchange.answer == 422:  # GitHub's way to say that it has no such commit
            return [], tuple(evidence)
        if exchange.answer in {403, 429} and _used_up(exchange):
            raise CouldNotLook(
                "git", "GitHub's rate limit is used up", remedy=SPARE, evidence=tuple(evidence)
            )
        if exchange.answer != 200:
            why = f"GitHub answers {exchange.answer} for check runs"
            remedy = "Its token needs to read checks (github_token_from under [git])."
            raise CouldNotLook("git", why, remedy=remedy, evidence=tuple(evidence))
        try:
            answer = json.loads(exchange.body)
            runs = [one for one in answer["check_runs"] if isinstance(one, dict)]
            total = int(answer["total_count"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CouldNotLook("git", "GitHub answers in another form", evidence=tuple(evidence)) from None
        found += runs
        if not runs or len(found) >= total:
            return found, tuple(evidence)
    raise CouldNotLook("git", f"GitHub has more than {PAGES_AT_MOST * PER_PAGE} check runs of one commit")
