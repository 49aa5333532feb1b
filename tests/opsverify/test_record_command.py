"""`python -m opsverify record` as a person or a pipeline calls it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from opsverify.__main__ import main
from opsverify.records import KINDS, parse
from tests.opsverify.recordkeeping import People

RULE = '[[records.rules]]\nkind = "attestation"\nby = ["ops"]\n'
SIGNED = f"{RULE}signed = true\n"


@pytest.fixture
def people(tmp_path: Path) -> People:
    """One who may write and sign."""
    return People(tmp_path / "the state", "ops")


def written(folder: Path) -> list[Path]:
    """The records in a folder."""
    return sorted(folder.rglob("*.toml"))


def test_flags_make_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the reader of records takes, under a name that says what it is."""
    folder = tmp_path / "new folder"
    asked = [
        "record",
        "attestation",
        f"--folder={folder}",
        "--who=ops",
        "--what=Rollback plan",
        "--release=v1",
    ]

    assert main([*asked, "--release=v1", "--link=https://wiki.example/1"]) == 0

    (file,) = written(folder)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z-rollback-plan\.toml", file.name)
    assert file.parent.name == "attestation"
    record = parse(file.read_bytes(), file.name)
    assert record.model_dump(include={"who", "what", "release", "link"}) == {
        "who": "ops",
        "what": "Rollback plan",
        "release": "v1",
        "link": "https://wiki.example/1",
    }
    assert str(file) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["attestation"], "missing: --who, --what"),
        (
            ["deployment", "--who=ops", "--release=v1", "--state=deployd"],
            "state: expected 'planned'",
        ),
        (["deployment", "--who=ops", "--release=v1", "--state=deployed"], "expected started and ended"),
        (
            ["window", "--who=ops", "--id=1", "--type=x", "--starts=soon", "--ends=now"],
            "starts: expected",
        ),
        (["review", "--who=ops", "--files=nowhere.sql"], "nowhere.sql: No such file"),
        (["post-mortem", "--new"], "missing: --incident=ID"),
    ],
)
def test_a_wrong_record_is_not_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    """Exit code 4, the option named, nothing left behind."""
    with open(os.devnull) as nothing:  # noqa: PTH123 - a stream, not a file of ours
        monkeypatch.setattr(sys, "stdin", nothing)
        assert main(["record", *arguments, f"--folder={tmp_path}"]) == 4

    assert said in capsys.readouterr().err
    assert written(tmp_path) == []


def test_a_person_at_a_terminal_is_asked(tmp_path: Path) -> None:
    """For what is missing, and only for that."""
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        [sys.executable, "-m", "opsverify", "record", "attestation", "--who=ops", f"--folder={tmp_path}"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, b"\nrollback plan\n")
    said, _ = asked.communicate(timeout=30)
    os.close(ours)

    assert said.count("what (TEXT): ") == 2  # an empty answer is asked for again
    assert "who" not in said.replace("written", "")
    assert parse(written(tmp_path)[0].read_bytes(), "r").model_dump()["what"] == "rollback plan"


def test_a_review_takes_the_digest_of_each_file(tmp_path: Path) -> None:
    """Of the text as it is read now."""
    sql = tmp_path / "008 x.sql"
    sql.write_text("SELECT 1;\n")

    assert main(["record", "review", f"--folder={tmp_path}", "--who=ops", f"--files={sql}"]) == 0

    record = parse(written(tmp_path)[0].read_bytes(), "r")
    assert record.model_dump()["files"] == {
        str(sql): "sha256:b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd"
    }


def test_records_are_listed_and_checked(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    """With what policy says of each; `check` ends with 4 when anything is wrong."""
    people.write("good.toml", what="rollback plan")
    people.write("bad.toml", what="rollback plan", who="stranger")
    (people.records / "broken.toml").write_text("kind = 'window'\n")
    environment = f"--env={people.environment(RULE).file}"

    assert main(["record", "list", environment]) == 0
    listed = capsys.readouterr()
    assert re.search(r"rollback plan +ops .* counts +good\.toml", listed.out)
    assert re.search(r"rollback plan +stranger .* stranger may not write it .* +bad\.toml", listed.out)
    assert "broken.toml: who: missing" in listed.err

    assert main(["record", "check", environment]) == 4
    assert "bad.toml: stranger may not write it" in capsys.readouterr().err
    for name in ("bad.toml", "broken.toml"):
        (people.records / name).unlink()
    assert main(["record", "check", environment]) == 0
    assert "1 records, all well formed; all count by policy" in capsys.readouterr().out


def test_a_record_is_committed_and_signed_where_policy_asks(
    people: People, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the signing key of whoever's git it is."""
    people.public_key("ops")
    settings = {
        "user.name": "ops",
        "user.email": "ops@midst.example",
        "gpg.format": "ssh",
        "user.signingKey": str(people.keys / "ops"),
    }
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    environment = f"--env={people.environment(SIGNED).file}"
    asked = ["record", "attestation", environment, "--who=ops", "--what=rollback plan"]

    assert main([*asked]) == 0
    assert "it counts when it is signed" in capsys.readouterr().out
    assert main(["record", "check", environment]) == 4
    for file in written(people.records):
        file.unlink()
    assert main([*asked, "--git-commit"]) == 0
    assert main(["record", "check", environment]) == 0


def test_every_kind_has_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    """And its own page of help."""
    for kind in KINDS:
        with pytest.raises(SystemExit) as ended:
            main(["record", kind, "--help"])
        assert ended.value.code == 0
        assert "--who" in capsys.readouterr().out


def test_records_elsewhere_are_not_written_to(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    """The environment names a repository: the user is told to clone it."""
    people.git("commit", "--quiet", "--allow-empty", "--message=x")
    environment = people.environment(where='git = "records"').file

    assert main(["record", "attestation", f"--env={environment}", "--who=a", "--what=b"]) == 4

    assert "Clone records, name the folder in it with --folder=DIR, and push." in capsys.readouterr().err


def test_an_empty_post_mortem_has_what_the_incidents_record_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a record it has the id; printed, nothing is written."""
    asked = ["record", "post-mortem", "--new", f"--folder={tmp_path}", "--incident=INC-7"]
    assert main([*asked, "--print"]) == 0
    assert "**Date**: YYYY-MM-DD" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []

    incident = ["--id=INC-7", "--who=ops", "--severity=SEV2", "--detected=2026-11-20T23:10:00Z"]
    assert main(["record", "incident", f"--folder={tmp_path}", *incident]) == 0
    assert main(asked) == 0
    text = (tmp_path / "post-mortem" / "INC-7.md").read_text()
    assert "**Date**: 2026-11-20\n" in text
    assert "**Severity**: SEV2\n" in text
    assert "- 23:10 - Incident detected\n" in text
