"""Plots over the kept runs, where people would rather look: latencies, and backups' sizes, ages and times.

Drawn for the HTML report only, never waited for by a verdict. The history is read as plain JSON:
the environment that draws has neither the suite nor its dependencies.
"""

from __future__ import annotations

import io
import json
import shutil
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Course:
    """How a measure is drawn."""

    name: str
    """What it is a course of."""
    unit: str
    """Of the axis."""
    times: float
    """What a measured value is multiplied with for it."""


COURSES = {
    "answer_seconds": Course("latency", "answer (ms)", 1000),
    "backup_bytes": Course("size", "size (MB)", 1e-6),
    "backup_age_seconds": Course("age", "age (h)", 1 / 3600),
    "backup_read_seconds": Course("reading time", "read (s)", 1),
    "rpo_seconds": Course("data loss (RPO)", "lost (h)", 1 / 3600),
    "rto_seconds": Course("recovery time (RTO)", "restored (s)", 1),
    "download_seconds": Course("recovery time: download", "download (s)", 1),
    "decompress_seconds": Course("recovery time: decompression", "decompressed (s)", 1),
    "restore_seconds": Course("recovery time: restore", "restore (s)", 1),
    "verify_seconds": Course("recovery time: verification", "verified (s)", 1),
}
"""By the measure's name in the history."""
RUNS_AT_LEAST = 2
"""One run is a point, not a course."""
COLORS = {"go": "#2e7d32", "stop": "#c62828", "undecided": "#f9a825"}


@dataclass(frozen=True)
class Point:
    """One kept run."""

    at: datetime
    value: float
    decision: str


def read_points(history: Path) -> dict[str, dict[str, list[Point]]]:
    """What was measured, by check and measure, over the kept runs; lines that cannot be read are left out."""
    points: dict[str, dict[str, list[Point]]] = {}
    try:
        lines = history.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            run = json.loads(line)
            at = datetime.fromisoformat(run["decided_at"])
            for check, measures in run["measures"].items():
                for measure in COURSES.keys() & measures.keys():
                    course = points.setdefault(check, {}).setdefault(measure, [])
                    course.append(Point(at, float(measures[measure]), run["decision"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return points


def with_plots(results: Path, history: Path, into: Path) -> None:
    """Copy Allure results and attach to each measured check the plot of its course.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: a file could not be read or written.
    """
    shutil.copytree(results, into)
    points = read_points(history)
    for file in into.glob("*-result.json"):
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        labels = {label["name"]: label["value"] for label in result.get("labels", [])}
        check = f"{labels.get('check')}[{labels.get('subject')}]"
        for measure, how in COURSES.items():
            course = points.get(check, {}).get(measure, [])
            if len(course) < RUNS_AT_LEAST:
                continue
            name = f"{uuid.uuid4()}-attachment.png"
            (into / name).write_bytes(draw_course(check, course, how))
            attachment = {
                "name": f"{how.name} over {len(course)} runs",
                "source": name,
                "type": "image/png",
            }
            result.setdefault("attachments", []).append(attachment)
        file.write_text(json.dumps(result), encoding="utf-8")


def draw_course(title: str, course: list[Point], how: Course) -> bytes:
    """The course of a measure over the runs, as PNG; each point has the colour of its run's decision.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(
        _numbers(course),
        [point.value * how.times for point in course],
        color="#90a4ae",
        linewidth=1,
        zorder=1,
    )
    for decision, color in COLORS.items():
        chosen = [point for point in course if point.decision == decision]
        if chosen:
            heights = [point.value * how.times for point in chosen]
            axes.scatter(_numbers(chosen), heights, color=color, s=22, zorder=2, label=decision)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_ylim(0, max(point.value for point in course) * how.times * 1.2 or 1)
    axes.set_ylabel(how.unit)
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _numbers(course: list[Point]) -> list[float]:
    from matplotlib.dates import date2num

    return [float(date2num(point.at)) for point in course]  # type: ignore[no-untyped-call]
