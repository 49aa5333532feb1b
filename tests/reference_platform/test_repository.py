"""The platform's releases lie in a git repository that is the same on every machine."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reference_platform import migrations, repository
from reference_platform.files import write_environment
from reference_platform.registry import Entry
from reference_platform.repository import NEXT, PREVIOUS, RELEASED, git
from reference_platform.state import PORTS, Platform, Settings


def bare(folder: Path) -> Platform:
    """A platform of which nothing runs."""
    folder.mkdir()
    settings = Settings(
        ports=dict.fromkeys(PORTS, 1),
        postgres_password="",
        postgres_admin_password="",
        redis_password="",
        redis_admin_password="",
        jwt_secret="",
        stripe_secret_key="",
        stripe_webhook_secret="",
        release="v1.1.0",
    )
    return Platform(folder, Entry(folder / "entry"), settings, None)


@pytest.fixture
def made(tmp_path: Path) -> Platform:
    """One with its repository, in a folder with a space."""
    platform = bare(tmp_path / "one state")
    repository.make(platform)
    return platform


def test_it_is_the_same_everywhere(made: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the user's own configuration of git says."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = somebody\n[core]\nautocrlf = true\n[init]\ndefaultBranch = trunk\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    other = bare(tmp_path / "other")
    repository.make(other)
    heads = {git("-C", str(one.repository), "rev-parse", "HEAD") for one in (made, other)}
    assert len(heads) == 1
    assert git("-C", str(other.repository), "status", "--porcelain") == ""


def test_remote_and_clone_have_the_tags(made: Platform) -> None:
    """In the order of the releases, each on a commit of its own."""
    for where in (made.repository, made.remote):
        assert git("-C", str(where), "tag", "--list").split() == [PREVIOUS, RELEASED, NEXT]
    commits = {git("-C", str(made.repository), "rev-parse", f"{tag}^{{commit}}") for tag in (PREVIOUS, NEXT)}
    assert len(commits) == 2


def test_what_runs_has_the_migrations_that_are_applied(made: Platform, tmp_path: Path) -> None:
    """The release before has fewer, the one to come has one more, and each has its rollback script."""
    found = {
        tag: migrations.all_of(repository.folder_of(made, tag, tmp_path / tag) / "apps")
        for tag in (PREVIOUS, RELEASED, NEXT)
    }
    versions = {tag: [(one.app, one.version) for one in some] for tag, some in found.items()}
    assert versions[RELEASED] == [(one.app, one.version) for one in migrations.all_of()]
    assert set(versions[RELEASED]) - set(versions[PREVIOUS]) == {
        ("api", "007_profile_embeddings"),
        ("orchestrator", "002_runs"),
    }
    assert set(versions[NEXT]) - set(versions[RELEASED]) == {("api", "008_profile_notes")}
    assert [one for some in found.values() for one in some if not one.rollback.is_file()] == []


def test_its_proofs_hold(made: Platform) -> None:
    """Tests, types and style of the project are good, by the commands that the environment file names."""
    assert _proofs(made.repository) == {"test": 0, "typecheck": 0, "lint": 0}


def test_its_proofs_can_fail(made: Platform) -> None:
    """An annotation that means nothing, an unused import, a wrong result: each is found by its own proof."""
    module = made.repository / "midst" / "quotas.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace("used: int", "used: whole"), encoding="utf-8")
    assert _proofs(made.repository) == {"test": 0, "typecheck": 1, "lint": 0}
    module.write_text(text.replace("max(0,", "max(1,"), encoding="utf-8")
    assert _proofs(made.repository) == {"test": 1, "typecheck": 0, "lint": 0}
    module.write_text(text + "\nimport json\n", encoding="utf-8")
    assert _proofs(made.repository) == {"test": 0, "typecheck": 0, "lint": 1}


def test_a_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform comes up, and its environment file says what is lacking and how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    platform = bare(tmp_path / "state")
    repository.make(platform)
    write_environment(platform)
    declared = tomllib.loads(platform.environment.read_text(encoding="utf-8"))
    assert not platform.repository.exists()
    assert "git" not in declared
    assert "apt-get install git" in {gap["without"]: gap["reason"] for gap in declared["gaps"]}["git"]


def _proofs(folder: Path) -> dict[str, int]:
    declared = tomllib.loads((repository.PROJECT.parents[1] / "environments" / "local.toml").read_text())
    return {
        proof["name"]: subprocess.run(
            [sys.executable, "-B", *proof["command"][1:]], cwd=folder, capture_output=True, check=False
        ).returncode
        for proof in declared["git"]["proofs"]
        if "command" in proof
    }
