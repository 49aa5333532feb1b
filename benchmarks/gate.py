"""A whole gate against its floor: what its looks must take, and what pytest with Allure takes anyway."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from benchmarks.processes import alternately, median_seconds, say
from benchmarks.runs import Gate, environment_of, only_asked, services_for, trivial
from benchmarks.services import ROOT, seconds_alone, serving

WIDTH = 32
"""Looks under way at a time, as an environment file has it unless it says otherwise."""
TIMES_TRIVIAL = 2
BESIDE_SECONDS = 0.4
"""What a gate may take beside its floor and pytest: to start, to decide, to write the report."""
FEW_LOOKS = 10
MORE_MEGABYTES_AT_MOST = 60
"""What a thousand looks may add to the memory of a gate."""


def gate(looks: int, *, delay_ms: int, times: int = 5) -> Figure:
    """The time of a gate over what it may take: floor + 2 × trivial tests + 0.4 s.

    The floor is the slowest look, or the sum of all looks over the width; a look's time is what
    it takes when it is asked alone.
    """
    services = services_for(looks)
    with tempfile.TemporaryDirectory() as name, serving(len(services), delay_ms=delay_ms) as ports:
        folder = Path(name)
        alone = {path: seconds_alone(ports[0], path) for path in services[0]}
        all_looks = [alone[path] for paths in services for path in paths]
        floor = max(max(all_looks), sum(all_looks) / WIDTH)
        took = alternately(
            {
                "gate": _gate_over(folder, ports, services),
                "trivial": trivial(folder, looks),
            },
            times=times,
        )
    seconds, baseline = median_seconds(took["gate"]), median_seconds(took["trivial"])
    allowed = floor + TIMES_TRIVIAL * baseline + BESIDE_SECONDS
    say(
        f"{looks} looks, {delay_ms} ms added: gate {seconds:.2f} s, floor {floor:.3f} s,"
        f" {looks} trivial tests {baseline:.2f} s, allowed {allowed:.2f} s"
    )
    figure_name = f"gate-{looks}-{delay_ms}ms" if looks != 1000 else f"gate-{looks}"
    return Figure(figure_name, seconds / allowed, 1)


def memory(looks: int, *, times: int = 3) -> Figure:
    """The memory that so many looks add to a gate of ten, over the 60 MB that they may add."""
    many, few = services_for(looks), services_for(FEW_LOOKS)
    with tempfile.TemporaryDirectory() as name, serving(len(many), delay_ms=0) as ports:
        took = alternately(
            {
                "many": _gate_over(Path(name), ports, many),
                "few": _gate_over(Path(name), ports[: len(few)], few),
            },
            times=times,
        )
    peak = {which: median(one.peak_megabytes for one in runs) for which, runs in took.items()}
    more = peak["many"] - peak["few"]
    say(
        f"peak memory: {peak['many']:.0f} MB at {looks} looks,"
        f" {peak['few']:.0f} MB at {FEW_LOOKS}: {more:+.0f} MB"
    )
    return Figure(f"gate-{looks}-memory", more / MORE_MEGABYTES_AT_MOST, 1)


def gate_and_memory(looks: int) -> Iterator[Figure]:
    """Time and memory of a large gate."""
    yield gate(looks, delay_ms=0)
    yield memory(looks)


def _gate_over(folder: Path, ports: list[int], services: list[tuple[str, ...]]) -> Gate:
    looks = sum(map(len, services))
    environment = folder / f"bench-{looks}.toml"
    environment.write_text(environment_of(ports, services), encoding="utf-8")
    only_asked(ROOT, environment)
    return Gate(ROOT, environment, folder / f"report-{looks}", looks)
