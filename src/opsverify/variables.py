"""Variables that hold an environment's secrets: read when needed, never kept in a file of ours.

The dotenv file that the environment names wins over the process's variables, also where it
leaves one empty; an empty variable is unset. Values come as `SecretStr`, so that no repr shows them.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from pydantic import SecretStr

from opsverify.looking import CouldNotLook


class Variables:
    """The variables of one environment.

    Args:
        dotenv: the environment's dotenv file, or None when it names none. A file that does not
            exist is no error: in CI the same variables usually come from the process.
    """

    def __init__(self, dotenv: Path | None) -> None:
        self._dotenv = dotenv

    @cached_property
    def _from_file(self) -> dict[str, str]:
        from dotenv import dotenv_values

        if self._dotenv is None:
            return {}
        try:
            found = dotenv_values(self._dotenv, interpolate=False) if self._dotenv.exists() else {}
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise CouldNotLook(self._dotenv.name, f"the dotenv file cannot be read: {why}") from None
        return {name: value or "" for name, value in found.items()}

    def get(self, name: str) -> SecretStr | None:
        """The variable's value, or None when it is unset or empty."""
        value = self._from_file.get(name, os.environ.get(name))
        return SecretStr(value) if value else None

    def require(self, name: str, *, of: str) -> SecretStr:
        """The variable's value.

        Args:
            name: the variable.
            of: the noun that needs it, for the message.

        Raises:
            CouldNotLook: it is unset or empty.
        """
        value = self.get(name)
        if value is None:
            raise CouldNotLook(of, f"the variable {name} is unset", remedy=f"Set {name} {self._where}.")
        return value

    def values(self, names: list[str]) -> list[str]:
        """Values that must not be shown: of these variables, and all of the dotenv file."""
        try:
            from_file = dict(self._from_file)
        except CouldNotLook:  # whoever needs a variable of it will say so
            from_file = {}
        named = [
            secret.get_secret_value() for name in names if (secret := SecretStr(os.environ.get(name, "")))
        ]
        return [value for value in (*from_file.values(), *named) if value]

    @property
    def _where(self) -> str:
        if self._dotenv is None:
            return "in the process (the environment names no env_file)"
        state = "" if self._dotenv.exists() else " (which does not exist)"
        return f"in {self._dotenv.name}{state} or in the process"
