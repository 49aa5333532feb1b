"""Refreshes the locks: `python3 run.py exec python requirements/compile.py [--upgrade]` (needs uv on PATH).

One hashed file per extra of pyproject.toml, all cut from one resolution, so that any of them go together.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLONE = HERE.parent

# The launcher's own tool is no dependency of the project, so it is no extra.
LAUNCHER = ["tox>=4.26"]

# An index, a folder of wheels or a constraint of this machine has no place in what everybody installs.
MACHINE = ("PIP_", "UV_")


# A platform for which newer versions have no wheels gets an older one; everybody else does not.
PLATFORMS = [
    "gevent<25.6; sys_platform == 'darwin' and python_version < '3.12'",
    "gevent>=25.9; sys_platform != 'darwin' or python_version >= '3.12'",
    "cryptography<49; sys_platform == 'darwin' and platform_machine == 'x86_64'",
    "cryptography>=49; sys_platform != 'darwin' or platform_machine != 'x86_64'",
]


def compile_lock(wanted: list[str], lock: Path, *options: str) -> None:
    """Writes the hashed closure of `wanted` for every platform to `lock`, keeping versions already there.

    Raises:
        subprocess.CalledProcessError: when there is no solution; uv has said why on stderr.
    """
    command = [
        *("uv", "pip", "compile", "-", "--universal", "--python-version=3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
        *("--only-binary=:all:", "--quiet", f"--output-file={lock}", *options),
    ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(MACHINE)}
    subprocess.run(command, input="\n".join(wanted), text=True, check=True, cwd=CLONE, env=environ)


def main() -> None:
    """Compiles all locks; `--upgrade` on the command line asks for the newest versions."""
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted: dict[str, list[str]] = {"core": project["dependencies"], **project["optional-dependencies"]}
    together = HERE / "all.txt"
    compile_lock(
        [*PLATFORMS, *(line for lines in wanted.values() for line in lines)], together, *sys.argv[1:]
    )
    for name, lines in wanted.items():
        lock = HERE / f"{name}.txt"
        lock.unlink(missing_ok=True)
        compile_lock(lines, lock, f"--constraints={together}")
    compile_lock(LAUNCHER, HERE / "tox.txt", *sys.argv[1:])


if __name__ == "__main__":
    main()
