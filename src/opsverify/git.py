"""A git repository, asked and never changed.

What a repository brings along to be run (hooks, helpers, replaced objects, programs that verify signatures)
is switched off: it may be somebody else's.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opsverify.environment import Environment
from opsverify.evidence import one_line
from opsverify.looking import NO_ANSWER, CouldNotLook

INSTALL = "Install git: apt-get install git, or what your system has in its place."
WITHIN_SECONDS = 9.0
"""For one command: a look has ten."""

_OFF = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"),
    *("-c", "safe.directory=*", "-c", "protocol.ext.allow=never", "-c", "advice.detachedHead=false"),
    *("-c", "gpg.ssh.program=ssh-keygen", "-c", "gpg.program=false", "-c", "gpg.x509.program=false"),
    *("-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.commitGraph=false"),
    "--no-replace-objects",
    "--no-optional-locks",
    "--literal-pathspecs",
)


@dataclass(frozen=True)
class Signature:
    """Who signed a commit, as git verified it with OpenSSH."""

    by: str | None
    """Principal of the allowed signers; None: nobody whose signature counts."""
    why: str = ""
    """Why it does not count: `it is not signed`."""


class Repository:
    """A repository on this machine, bare or not.

    Args:
        folder: of the repository, or inside it.
        where: what it is called in messages.
        of: the noun it belongs to: `git`, `records`.
    """

    def __init__(self, folder: Path, *, where: str, of: str = "git") -> None:
        self.folder = folder
        self.where = where
        self._of = of
        self._fetching = threading.Lock()

    @property
    def shallow(self) -> bool:
        """Whether its history is cut off."""
        return self._say("rev-parse", "--is-shallow-repository") == "true"

    def resolve(self, revision: str) -> str | None:
        """The whole id of the commit that a name means, or None when it means none.

        Raises:
            CouldNotLook: git does not answer.
        """
        if revision.startswith("-"):
            return None
        said = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return said.stdout.decode().strip() or None if said.returncode == 0 else None

    def tag(self, name: str) -> str | None:
        """The commit that a tag of that name is on, or None."""
        return self.resolve(f"refs/tags/{name}")

    def remote_tag(self, remote: str, name: str) -> str | None:
        """The commit that a tag is on in a remote of this repository, or None.

        Raises:
            CouldNotLook: the remote does not answer.
        """
        wanted = f"refs/tags/{name}"
        said = self._say("ls-remote", "--tags", "--end-of-options", remote, wanted, f"{wanted}^{{}}")
        lines = (line.partition("\t") for line in said.splitlines())
        found = {name: commit for commit, _, name in lines}
        return found.get(f"{wanted}^{{}}") or found.get(wanted)

    def has_tags(self) -> bool:
        """Whether there is any tag."""
        return bool(self._say("for-each-ref", "--count=1", "refs/tags"))

    def files(self, revision: str, folder: str = "") -> dict[str, str]:
        """The blob of each file at or below a folder, by path, as a commit has them.

        Raises:
            CouldNotLook: there is no such commit.
        """
        where = [folder] if folder else []
        said = self._bytes("ls-tree", "-r", "-z", "--full-tree", revision, "--", *where)
        found = {}
        for entry in said.split(b"\0"):
            about, _, path = entry.partition(b"\t")
            mode, kind, blob = [*about.decode().split(), "", "", ""][:3]
            if kind == "blob" and mode != "120000":  # a link could lead anywhere
                found[os.fsdecode(path)] = blob
        return found

    def read(self, revision: str, path: str) -> bytes:
        """A file as a commit has it.

        Raises:
            CouldNotLook: the commit has no such file.
        """
        return self._bytes("cat-file", "blob", f"{revision}:{path}")

    def read_all(self, blobs: Mapping[str, str]) -> dict[str, bytes]:
        """The contents of blobs by path, in one go.

        Args:
            blobs: as from `files`.

        Raises:
            CouldNotLook: one is not there.
        """
        said = self._run(
            "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs.values()).encode()
        )
        found, rest = {}, said.stdout
        for path in blobs:
            about, _, rest = rest.partition(b"\n")
            words = about.split()
            if len(words) != 3:
                raise CouldNotLook(self._of, f"{self.where}: {one_line(path)} cannot be read")
            size = int(words[2])
            found[path], rest = rest[:size], rest[size + 1 :]
        return found

    def prefix(self) -> str:
        """The path of the folder inside the repository, with a slash at its end, or nothing at its top.

        Raises:
            CouldNotLook: it lies in none.
        """
        return self._bytes("rev-parse", "--show-prefix").decode().rstrip("\n")

    def last_commit(self, path: str, revision: str = "HEAD") -> str | None:
        """The last commit that changed a file, or None.

        Raises:
            CouldNotLook: git does not answer, or the history is cut off where that commit would be told from
                the ones before it.
        """
        commit = self._say("rev-list", "-1", revision, "--", path) or None
        if commit is not None and self._ends_at(commit):
            raise CouldNotLook(
                self._of,
                f"the history of {self.where} is cut off (a shallow clone), so that nothing says who wrote "
                f"{one_line(path)}",
                remedy="Fetch all of it: git fetch --unshallow; fetch-depth: 0 of actions/checkout.",
            )
        return commit

    def _ends_at(self, commit: str) -> bool:
        """Whether a commit has parents that the history lacks: it then seems to write every file."""
        head = self._bytes("cat-file", "commit", commit).partition(b"\n\n")[0]
        known = self._say("rev-list", "--parents", "-1", commit).split()[1:]
        return b"\nparent " in head and not known

    def last_change(self, path: str, revision: str = "HEAD") -> datetime | None:
        """When a file was last changed by a commit; None where the history is cut off, or there is none.

        Raises:
            CouldNotLook: git does not answer.
        """
        said = "" if self.shallow else self._say("log", "-1", "--format=%cI", revision, "--", path)
        return datetime.fromisoformat(said) if said else None

    def signature(self, commit: str, allowed: Path, who: str) -> Signature:
        """Who signed a commit.

        Args:
            commit: its id.
            allowed: file of allowed signers (`man ssh-keygen`).
            who: who should have; where one key is several principals', git tells but the first.

        Raises:
            CouldNotLook: git does not answer, or the file is not there.
        """
        if not allowed.is_file():
            raise CouldNotLook(self._of, f"the file of allowed signers {allowed.name} is not there")
        found = self._verified(commit, allowed)
        own = _lines_of(who, allowed) if found.by not in (None, who) else ""
        if own:
            with tempfile.TemporaryDirectory(prefix="opsverify-") as made:
                file = Path(made) / "allowed"
                file.write_text(own, encoding="utf-8")
                again = self._verified(commit, file)
            return again if again.by == who else found
        return found

    def _verified(self, commit: str, allowed: Path) -> Signature:
        options = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}")
        said = self._run("log", "-1", "--format=%G?%x00%GS%x00%GF", commit, options=options)
        words = said.stdout.decode(errors="replace").strip().split("\0")
        state, by, key = [*words, "", "", ""][:3]
        if state == "G" and by and key.startswith("SHA256:"):  # of any other kind of key it would be hex
            return Signature(by)
        return Signature(None, _SIGNATURES.get(state, "its signature cannot be verified"))

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A clean checkout of a commit in a temporary folder; the repository itself is not touched.

        Raises:
            CouldNotLook: it cannot be checked out.
        """
        self._fetch_what_was_left_out(commit)
        with tempfile.TemporaryDirectory(prefix="opsverify-", ignore_cleanup_errors=True) as made:
            folder = Path(made) / "worktree"
            own = Repository(folder, where=self.where, of=self._of)
            objects = (self.folder / self._say("rev-parse", "--git-path", "objects")).resolve()
            cut_off = (self.folder / self._say("rev-parse", "--git-path", "shallow")).resolve()
            folder.mkdir()
            own._say("init", "--quiet", "--template=")
            (folder / ".git" / "objects" / "info").mkdir(exist_ok=True)
            alternates = folder / ".git" / "objects" / "info" / "alternates"
            alternates.write_text(f"{objects}\n", encoding="utf-8")
            if cut_off.is_file():
                (folder / ".git" / "shallow").write_bytes(cut_off.read_bytes())
            own._say("checkout", "--quiet", "--detach", "--force", commit)
            yield folder

    def _fetch_what_was_left_out(self, commit: str) -> None:
        """Complete a commit in a clone without contents of files: what borrows from it cannot fetch them."""
        with self._fetching:
            said = self._say("rev-list", "--objects", "--no-walk", "--missing=print", commit)
            missing = [line[1:] for line in said.splitlines() if line.startswith("?")]
            if missing:
                wanted = ("--no-tags", "--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin")
                done = self._run(
                    *("fetch", "--quiet", *wanted),
                    options=("-c", "fetch.negotiationAlgorithm=noop"),
                    given="\n".join(missing).encode(),
                )
                if done.returncode != 0:
                    raise CouldNotLook(self._of, f"{self.where}: {one_line(done.stderr)}")

    def _say(self, *command: str) -> str:
        return self._bytes(*command).decode("utf-8", errors="replace").strip()

    def _bytes(self, *command: str) -> bytes:
        said = self._run(*command)
        if said.returncode != 0:
            error = one_line(said.stderr).removeprefix("fatal: ") or f"git {command[0]} failed"
            raise CouldNotLook(self._of, f"{self.where}: {error}")
        return said.stdout

    def _run(
        self, *command: str, options: tuple[str, ...] = (), given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        whole = (*options, "-C", str(self.folder), *command)
        return _git(whole, of=self._of, where=self.where, given=given)


def repository(environment: Environment) -> Repository:
    """The repository that an environment's releases are made from, found once a run.

    Raises:
        CouldNotLook: the environment names none, or it cannot be reached.
    """
    table = environment.git
    if table is None:
        raise CouldNotLook("git", "the environment declares none")
    named = table.repository
    return environment.once(f"git {named}", lambda: opened(environment, named, of="git"))


def opened(environment: Environment, named: str, *, of: str) -> Repository:
    """A repository by its folder or address; one elsewhere is cloned, without its files' contents.

    Args:
        environment: a relative folder counts from its file.
        named: folder or address.
        of: the noun it belongs to.

    Raises:
        CouldNotLook: it is not there.
    """
    if _is_address(named):
        return _Clone(named, of)
    folder = environment.beside(Path(named))
    found = Repository(folder, where=folder.name, of=of)
    if not folder.is_dir():
        raise CouldNotLook(of, f"there is no folder {folder.name}")
    if found._run("rev-parse", "--git-dir").returncode != 0:
        raise CouldNotLook(of, f"{folder.name} is no git repository")
    return found


class _Clone(Repository):
    """A bare clone that goes when nobody needs it any more."""

    def __init__(self, url: str, of: str) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="opsverify-", ignore_cleanup_errors=True)
        super().__init__(Path(self._made.name), where=_without_credentials(url), of=of)
        command = ("clone", "--quiet", "--bare", "--filter=blob:none", "--", url, self._made.name)
        said = _git(command, of=of, where=self.where)
        if said.returncode != 0:
            lines = one_line(said.stderr.splitlines()[-1] if said.stderr else b"").replace(url, self.where)
            raise CouldNotLook(of, f"{self.where} cannot be cloned: {lines.removeprefix('fatal: ')}")

    def __del__(self) -> None:
        self._made.cleanup()


def _git(
    command: tuple[str, ...], *, of: str, where: str, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}
    variables["GIT_GRAFT_FILE"] = os.devnull
    try:
        return subprocess.run(
            ["git", *_OFF, *command],
            input=given,
            capture_output=True,
            check=False,
            timeout=WITHIN_SECONDS,
            env=variables,
        )
    except FileNotFoundError:
        raise CouldNotLook(of, "git is not installed", remedy=INSTALL) from None
    except subprocess.TimeoutExpired:
        raise CouldNotLook(of, f"{where}: {NO_ANSWER}") from None


def _is_address(named: str) -> bool:
    host, colon, _ = named.partition(":")
    return "://" in named or bool(colon and "/" not in host)  # scp's way: git@host:path


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url


def _lines_of(who: str, allowed: Path) -> str:
    """The lines of a file of allowed signers that name somebody, as if they named nobody else."""
    lines = allowed.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line for line in map(_PRINCIPALS.match, lines) if line and who in line[1].strip('"').split(",")]
    return "".join(f'"{who}" {line[2]}\n' for line in found if '"' not in who)


_PRINCIPALS = re.compile(r'[ \t]*("[^"]*"|[^\s#"]\S*)[ \t]+(.+)')

_SIGNATURES = {
    "N": "it is not signed",
    "B": "its signature is bad",
    "U": "its key is not among the allowed signers",
    "X": "its signature has expired",
    "Y": "its key has expired",
    "R": "its key was revoked",
}
"""What `%G?` of git-log(1) says when a signature does not count."""
