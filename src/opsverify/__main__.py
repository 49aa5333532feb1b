"""`python -m opsverify`: environment files and records, and what happens around a deployment."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from opsverify.check import SUBJECT
from opsverify.commands import inventory, record, watch
from opsverify.environment import Environment
from opsverify.loading import BadEnvironment, load

USAGE_ERROR = 4
"""Exit code of everything that is wrong with how a command was called."""

FIRST_FILE = """\
#:schema {schema}
# The environment {name}: what is there, and how it is judged. Secrets never stand here:
# a field such as dsn_from names a variable. Keys left out have the runbook's values.
# Check this file with: python -m opsverify check-env {file}

schema = 1
name = "{name}"
protected = false                    # true for production: nothing is written there
env_file = "{name}.env"              # optional, beside this file; never committed

[[services]]
name = "api"
url = "http://127.0.0.1:3001"
needs = ["postgres", "redis"]

[[services]]
name = "orchestrator"
url = "http://127.0.0.1:3002"
needs = ["postgres", "redis"]

[[services]]
name = "web"
url = "http://127.0.0.1:3000"

[postgres]
dsn_from = "DATABASE_URL"

[redis]
url_from = "REDIS_URL"

# What this environment does not have is a gap, with a reason, an owner and an end:
# [[gaps]]
# without = "redis"
# reason = "why it has none"
# owner = "who answers for it"
# until = 2027-03-31
"""

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schemas" / "environment.json"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(USAGE_ERROR)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code: 0, or 4 with the reason on stderr."""
    parser = _Parser(prog="python -m opsverify", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check-env", help="validate an environment file")
    check.add_argument("path", type=Path)
    commands.add_parser("schema", help="print the JSON Schema of environment files")
    init = commands.add_parser("init", help="write a first environment file")
    init.add_argument("name")
    for command in (inventory, record, watch):
        command.add_parser(commands)
    asked = parser.parse_args(arguments)
    if asked.command == "check-env":
        return _check(asked.path)
    if asked.command in RUN:
        try:
            return RUN[asked.command](asked)
        except BadEnvironment as error:
            print(error, file=sys.stderr)
            return USAGE_ERROR
    if asked.command == "init":
        return _init(asked.name)
    print(schema())
    return 0


RUN = {"inventory": inventory.run, "record": record.run, "watch": watch.run}
"""Commands in modules of their own."""


def schema() -> str:
    """The JSON Schema of environment files, as editors read it."""
    table = Environment.model_json_schema()
    table["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(table, indent=2)


def _check(path: Path) -> int:
    try:
        environment = load(path)
    except BadEnvironment as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    kind = "protected" if environment.protected else "not protected"
    services = ", ".join(service.name for service in environment.services) or "none"
    print(f"{path}: environment {environment.name} is well formed ({kind}; services: {services})")
    return 0


def _init(name: str) -> int:
    import re

    if not re.match(SUBJECT, name):
        print(f"{name!r}: a name has lower-case letters, digits, '.', '_' and '-'", file=sys.stderr)
        return USAGE_ERROR
    folder = Path("environments")
    file = (folder if folder.is_dir() else Path()) / f"{name}.toml"
    schema_file = Path("../docs/schemas/environment.json") if folder.is_dir() else SCHEMA_FILE
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(FIRST_FILE.format(name=name, file=file, schema=schema_file))
    except OSError as error:
        print(f"{file}: not written: {error.strerror}", file=sys.stderr)
        return USAGE_ERROR
    print(f"{file}: written. Fill in the addresses, then: python -m opsverify check-env {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
