"""The rules of the house as code: which layer may import which, and what a check may hold."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

OURS = frozenset(
    {"opsverify", "fixtures", "checks", "loadtests", "reports", "reference_platform", "benchmarks"}
)

MAY_IMPORT: dict[str, frozenset[str]] = {
    "checks": frozenset({"opsverify"}),
    "loadtests": frozenset({"opsverify"}),
    "fixtures": frozenset({"fixtures", "opsverify", "reports", "reference_platform"}),
    "reports": frozenset({"reports", "opsverify"}),
    "reference_platform": frozenset(
        {
            "reference_platform",
            "opsverify.environment",
            "opsverify.pgserver",
            "opsverify.backups.manifest",
            "opsverify.s3",
        }
    ),
    "src/opsverify": frozenset({"opsverify"}),
}
"""Layer by folder: what it may import of our own packages. A name allows what lies below it too."""

CHECKS_MAY_IMPORT = frozenset({"pytest", "opsverify"})
NEVER_IN_THE_NOUNS = frozenset({"pytest", "allure", "allure_commons", "allure_pytest", "locust"})
ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def breaches(layer: str, source: str) -> list[str]:
    """What a file of a layer does against the rules, a phrase each."""
    tree = ast.parse(source)
    found = list(_imports(layer, tree))
    if layer in {"checks", "loadtests"}:
        found += _in_a_check(tree)
    return found


def files(layer: str) -> list[Path]:
    """The Python files of a layer."""
    return sorted((ROOT / layer).rglob("*.py"))


def _imports(layer: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top = name.partition(".")[0]
            allowed = MAY_IMPORT[layer]
            if top in OURS and not any(name == one or name.startswith(f"{one}.") for one in allowed):
                yield f"line {node.lineno}: {layer} imports {name}"
            if layer == "src/opsverify" and top in NEVER_IN_THE_NOUNS:
                yield f"line {node.lineno}: the nouns import {name}"
            if layer == "checks" and top not in CHECKS_MAY_IMPORT | sys.stdlib_module_names:
                yield f"line {node.lineno}: a check imports {name}"


def _in_a_check(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar):
            yield f"line {node.lineno}: a try in a check"
        if isinstance(node, ast.Assert):
            if not isinstance(node.test, ast.Compare):
                yield f"line {node.lineno}: an assert that compares nothing"
            elif any(isinstance(operator, ORDERINGS) for operator in node.test.ops) and _has_number(
                node.test
            ):
                yield f"line {node.lineno}: a limit as a literal"
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
            yield f"line {node.lineno}: a helper in a check file"
        if isinstance(node, ast.FunctionDef) and not any(
            isinstance(one, ast.Assert) for one in ast.walk(node)
        ):
            yield f"line {node.lineno}: a check that asserts nothing"


def _has_number(compare: ast.Compare) -> bool:
    sides = [compare.left, *compare.comparators]
    return any(isinstance(side, ast.Constant) and isinstance(side.value, int | float) for side in sides)
