"""`python -m reference_platform`: the reference platform by hand."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NoReturn

from reference_platform import backups, deploying, faults, lifecycle, parts, state
from reference_platform.faults import red
from reference_platform.launching import CLONE, LISTENS_ON

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
    except (parts.UnknownPart, faults.UnknownFault, faults.PartAbsent) as error:
        print(error, file=sys.stderr)
        return USAGE
    except (*lifecycle.Trouble, red.NotCollected, OSError) as error:
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
    commands.add_parser("faults", parents=[common], help="every fault there is, and what it turns red")
    for verb, words in (
        ("migrate", "apply the migrations of a release"),
        ("deploy", "replace the services by those of a release, one at a time"),
        ("undeploy", "undo the migrations that a release added to the one before (--to)"),
    ):
        one = commands.add_parser(verb, parents=[common], help=words)
        one.add_argument("release", metavar="RELEASE")
        if verb == "undeploy":
            one.add_argument("--to", required=True, metavar="RELEASE", help="the release to go back to")
    backup = commands.add_parser("backup", parents=[common], help="dump the database among its backups")
    backup.add_argument("--release", metavar="RELEASE", help="for whose deployment it is made")
    break_ = commands.add_parser("break", parents=[common], help="put a fault into it")
    break_.add_argument("fault", metavar="FAULT", help="ID:name, or ID for the first of that check")
    mend = commands.add_parser("mend", parents=[common], help="take a fault, or all, out of it again")
    mend.add_argument("fault", nargs="?", metavar="FAULT")
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
    for name in ("postgres", "redis", *LISTENS_ON):
        process = platform.process(name)
        print(f"{name:14} {f'pid {process.pid}' if process else 'does not run'}")
    for key in faults.broken_keys(platform):
        print(f"broken: {key}")
    return OK


def _faults(asked: argparse.Namespace) -> int:
    if not asked.json:
        for one in faults.FAULTS.values():
            needs = f" (--with={','.join(sorted(one.parts))})" if one.parts else ""
            print(f"{one.key:30} {one.verb.words}{needs}")
        return OK
    checks = red.collected()
    found = [
        {"fault": one.key, "red": red.expected(one, checks), "with": sorted(one.parts)}
        for one in faults.FAULTS.values()
    ]
    print(json.dumps(found, indent=1))
    return OK


def _break(asked: argparse.Namespace) -> int:
    fault = faults.fault(asked.fault)
    platform = _running(asked.state)
    done = faults.break_(platform, fault)
    print(f"{fault.key}: {fault.verb.words}" if done else f"{fault.key} is broken already", file=sys.stderr)
    return OK


def _mend(asked: argparse.Namespace) -> int:
    wanted = [faults.fault(asked.fault)] if asked.fault else []
    mended = faults.mend(_running(asked.state), *wanted)
    print(f"mended: {', '.join(mended) or 'nothing was broken'}", file=sys.stderr)
    return OK


def _migrate(asked: argparse.Namespace) -> int:
    applied = deploying.migrate(_running(asked.state), asked.release)
    print(f"applied: {', '.join(one.version for one in applied) or 'nothing was pending'}", file=sys.stderr)
    return OK


def _undeploy(asked: argparse.Namespace) -> int:
    undone = deploying.roll_back(_running(asked.state), asked.release, to=asked.to)
    print(f"undone: {', '.join(one.version for one in undone) or 'nothing was applied'}", file=sys.stderr)
    return OK


def _deploy(asked: argparse.Namespace) -> int:
    deploying.deploy(_running(asked.state), asked.release)
    print(f"runs: {asked.release}", file=sys.stderr)
    return OK


def _backup(asked: argparse.Namespace) -> int:
    print(backups.back_up(_running(asked.state), asked.release))
    return OK


def _running(folder: Path) -> state.Platform:
    platform = lifecycle.find(folder)
    if platform is None:
        raise state.BadState(f"nothing is up in {folder}: bring it up first")
    return platform


COMMANDS = {
    "up": _up,
    "down": _down,
    "status": _status,
    "faults": _faults,
    "break": _break,
    "mend": _mend,
    "migrate": _migrate,
    "deploy": _deploy,
    "undeploy": _undeploy,
    "backup": _backup,
}

if __name__ == "__main__":
    sys.exit(main())
