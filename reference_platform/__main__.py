"""`python -m reference_platform`: the reference platform by hand."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NoReturn

from reference_platform import lifecycle, parts, state
from reference_platform.launching import CLONE

OK, FAILED, USAGE = 0, 1, 4


class Parser(argparse.ArgumentParser):
    """argparse with the suite's exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and exit 4."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        return int(COMMANDS[asked.command](asked))
    except parts.UnknownPart as error:
        print(error, file=sys.stderr)
        return USAGE
    except (*lifecycle.Trouble, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted; what had been started is stopped", file=sys.stderr)
        return 2


def _parser() -> Parser:
    parser = Parser(prog="python -m reference_platform", description="The reference platform by hand.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = Parser(add_help=False)
    common.add_argument(
        "--state",
        type=Path,
        default=CLONE / ".reference",
        help="folder of the platform (default: .reference/ of the clone)",
    )
    common.add_argument("--json", action="store_true", help="print JSON")
    up = commands.add_parser("up", parents=[common], help="bring it up and leave it running")
    up.add_argument("--with", dest="parts", action="append", default=[], metavar="PART", help="add a part")
    commands.add_parser("down", parents=[common], help="take it down; nothing of it remains")
    commands.add_parser("status", parents=[common], help="what runs, and what is broken")
    return parser


def _up(asked: argparse.Namespace) -> int:
    was_up = lifecycle.find(asked.state) is not None
    platform = lifecycle.up(asked.state, parts=asked.parts)
    if was_up:
        print("already up", file=sys.stderr)
    if asked.json:
        print(json.dumps(platform.describe(), indent=1))
    else:
        print(f"up: {platform.state}")
        print(f"judge it: python3 run.py post_deploy --env={platform.environment}")
    return OK


def _down(asked: argparse.Namespace) -> int:
    was_there = lifecycle.down(asked.state)
    print("down" if was_there else f"nothing is up in {asked.state}", file=sys.stderr)
    return OK


def _status(asked: argparse.Namespace) -> int:
    platform = lifecycle.find(asked.state)
    if platform is None:
        print(f"nothing is up in {asked.state}", file=sys.stderr)
        return FAILED
    found = platform.describe()
    if asked.json:
        print(json.dumps(found, indent=1))
        return OK
    for name in ("postgres", "redis", *state.SERVICES):
        process = platform.process(name)
        print(f"{name:14} {f'pid {process.pid}' if process else 'does not run'}")
    return OK


COMMANDS = {"up": _up, "down": _down, "status": _status}

if __name__ == "__main__":
    sys.exit(main())
