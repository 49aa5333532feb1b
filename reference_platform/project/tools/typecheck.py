"""The type check: every function of the project is annotated, and every annotation can be resolved."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_type_hints

import midst


def modules() -> Iterator[ModuleType]:
    """Every module of the project."""
    for found in pkgutil.walk_packages(midst.__path__, f"{midst.__name__}."):
        yield importlib.import_module(found.name)


def defects(module: ModuleType) -> Iterator[str]:
    """What is wrong with a module's annotations, a line each."""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(thing):
            methods = [one for one in vars(thing).values() if inspect.isfunction(one)]
            yield from (line for one in (thing, *methods) for line in _defects(module, name, one))
        elif inspect.isfunction(thing):
            yield from _defects(module, name, thing)


def _defects(module: ModuleType, name: str, thing: Any) -> Iterator[str]:
    try:
        hints = get_type_hints(thing)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        yield f"{module.__name__}.{name}: {error}"
        return
    if inspect.isfunction(thing):
        wanted = {*inspect.signature(thing).parameters, "return"} - {"self", "cls"}
        for missing in sorted(wanted - set(hints)):
            yield f"{module.__name__}.{name}: {missing} has no annotation"


def main() -> int:
    """Prints what is wrong; the exit code says whether anything is."""
    found = [line for module in modules() for line in defects(module)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
