"""Style: what is imported is used, what is public has a docstring, lines end within 110 columns."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

WIDTH = 110


def files() -> list[Path]:
    """Every Python file of the project."""
    return sorted(file for folder in ("midst", "tests", "tools") for file in Path(folder).rglob("*.py"))


def defects(source: str) -> Iterator[str]:
    """What is wrong with a file, as `LINE: what`."""
    tree = ast.parse(source)
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > WIDTH:
            yield f"{number}: longer than {WIDTH} columns"
        if line != line.rstrip():
            yield f"{number}: blanks at its end"
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            for alias in node.names:
                name = (alias.asname or alias.name).partition(".")[0]
                if name not in used:
                    yield f"{node.lineno}: {name} is imported and not used"
        is_public = not getattr(node, "name", "_").startswith("_")
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and is_public and not ast.get_docstring(node):
            yield f"{node.lineno}: {node.name} has no docstring"


def main() -> int:
    """Prints what is wrong; the exit code says whether anything is."""
    found = [f"{file}:{line}" for file in files() for line in defects(file.read_text(encoding="utf-8"))]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
