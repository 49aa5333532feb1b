"""Variables: where values come from, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsverify.looking import CouldNotLook
from opsverify.variables import Variables


def test_the_dotenv_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable in the environment's dotenv file wins over the process's."""
    dotenv = tmp_path / "x.env"
    dotenv.write_text("A_VARIABLE='from $HOME file'\n")
    monkeypatch.setenv("A_VARIABLE", "from process")
    value = Variables(dotenv).require("A_VARIABLE", of="postgres")
    assert value.get_secret_value() == "from $HOME file"
    assert "from" not in repr(value)


def test_an_empty_variable_is_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty in the file: the process's value counts; empty there too: there is none."""
    dotenv = tmp_path / "x.env"
    dotenv.write_text("A_VARIABLE=\n")
    monkeypatch.setenv("A_VARIABLE", "from process")
    assert Variables(dotenv).get("A_VARIABLE") is not None
    monkeypatch.setenv("A_VARIABLE", "")
    with pytest.raises(CouldNotLook) as error:
        Variables(dotenv).require("A_VARIABLE", of="postgres")
    assert str(error.value) == (
        "could not look at postgres: the variable A_VARIABLE is unset. "
        "Set A_VARIABLE in x.env or in the process."
    )


def test_a_dotenv_file_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI the variables come from the process; without them the message says the file is not there."""
    variables = Variables(tmp_path / "x.env")
    monkeypatch.setenv("A_VARIABLE", "here")
    assert variables.get("A_VARIABLE") is not None
    monkeypatch.delenv("A_VARIABLE")
    with pytest.raises(CouldNotLook, match=r"x\.env \(which does not exist\)"):
        variables.require("A_VARIABLE", of="postgres")


def test_a_dotenv_file_that_is_no_text_could_not_be_read(tmp_path: Path) -> None:
    """The outcome names the file, not a traceback."""
    dotenv = tmp_path / "x.env"
    dotenv.write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(CouldNotLook, match=r"x\.env: the dotenv file cannot be read: it is not UTF-8"):
        Variables(dotenv).require("A_VARIABLE", of="postgres")
