"""`python -m benchmarks [NAME…]`: all benchmarks, or those named."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator

from benchmarks.backups import listing_objects, restore_and_read
from benchmarks.cost import growth, own_cost
from benchmarks.database import database_look
from benchmarks.figure import Figure, NotMeasured
from benchmarks.gate import gate, gate_and_memory

BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "gate-200-0ms": lambda: [gate(200, delay_ms=0)],
    "gate-200-20ms": lambda: [gate(200, delay_ms=20)],
    "gate-200-100ms": lambda: [gate(200, delay_ms=100)],
    "gate-1000": lambda: gate_and_memory(1000),
    "own-cost": lambda: [own_cost()],
    "growth": lambda: [growth()],
    "db-look-20ms": lambda: [database_look()],
    "restore-verify": restore_and_read,
    "listing-100000": lambda: [listing_objects()],
}
USAGE_ERROR = 4


def main(names: list[str]) -> int:
    """Measure what is named, or all; the exit code: 0, 1 when one is short, 4 for an unknown name."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        known = ", ".join(BENCHMARKS)
        print(f"unknown: {', '.join(unknown)} (there are: {known})", file=sys.stderr)
        return USAGE_ERROR
    kept = True
    for name in names or BENCHMARKS:
        for figure in _measured(name):
            print(figure.line, flush=True)
            kept = kept and figure.kept
    return 0 if kept else 1


def _measured(name: str) -> Iterator[Figure]:
    """A benchmark's figures; one that could not be measured is short."""
    try:
        yield from BENCHMARKS[name]()
    except NotMeasured as error:
        print(f"{name}: {error}", file=sys.stderr)
        yield Figure(name, math.inf, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
