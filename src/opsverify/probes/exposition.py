"""Reading a metrics page: the Prometheus text format, and what a cut-off page gives away."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from opsverify.evidence import one_line


@dataclass(frozen=True)
class Exposition:
    """A metrics page as it was read."""

    samples: dict[str, float]
    defects: tuple[str, ...]
    """What is wrong with it, a phrase each; empty for a complete page with at least one sample."""


def read_exposition(body: bytes) -> Exposition:
    """Read a page in the Prometheus text format 0.0.4. A missing last line break is tolerated.

    The parser is Prometheus's own for Python. It takes each line by itself, so a page that was
    cut between two lines is recognised by its histograms: each must have its `+Inf` bucket, its
    sum and its count.
    """
    from prometheus_client.parser import text_string_to_metric_families

    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Exposition({}, (f"byte {error.start} is not UTF-8",))
    samples: dict[str, float] = {}
    defects: list[str] = []
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples[_series(sample.name, sample.labels)] = float(sample.value)
            if family.type == "histogram":
                defects += _incomplete_histograms(family.name, samples_of=family.samples)
    except (ValueError, KeyError, IndexError) as error:
        defects.append(f"not in the Prometheus text format: {one_line(str(error))}")
    if not samples and not defects:
        defects.append("no sample in it")
    return Exposition(samples, tuple(defects))


def _incomplete_histograms(name: str, samples_of: list) -> list[str]:  # type: ignore[type-arg]
    parts: dict[tuple[tuple[str, str], ...], set[str]] = defaultdict(set)
    for sample in samples_of:
        labels = tuple(sorted(item for item in sample.labels.items() if item[0] != "le"))
        part = sample.name.removeprefix(name)
        if part != "_bucket" or sample.labels.get("le") == "+Inf":
            parts[labels].add(part)
        else:
            parts[labels].add("a bucket")
    expected = {"_bucket": 'bucket le="+Inf"', "_sum": "sum", "_count": "count"}
    return [
        f"{_series(name, dict(labels))} has no {what}: the page is cut off"
        for labels, found in parts.items()
        for part, what in expected.items()
        if part not in found
    ]


def _series(name: str, labels: dict[str, str]) -> str:
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name
