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


@pytest.mark.parametrize(("in_file", "in_process"), [("", "from process"), (None, "")])
def test_an_empty_variable_is_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_file: str | None, in_process: str
) -> None:
    """One that the file leaves empty does not fall back to the process's: that may be another server's."""
    dotenv = tmp_path / "x.env"
    dotenv.write_text("" if in_file is None else f"A_VARIABLE={in_file}\n")
    monkeypatch.setenv("A_VARIABLE", in_process)
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
