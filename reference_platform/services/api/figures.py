"""The api's own figures, beside what every service counts."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from reference_platform.services.cache import Cache
from reference_platform.services.database import Database
from reference_platform.services.metrics import Metrics


class Counted(Collector):
    """Counters that are kept elsewhere and read when asked."""

    def __init__(self, counters: dict[str, tuple[str, Callable[[], int]]]) -> None:
        self._counters = counters

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Each counter as it stands."""
        for name, (words, read) in self._counters.items():
            yield CounterMetricFamily(name, words, value=read())


def expose(metrics: Metrics, database: Database, cache: Cache) -> None:
    """Add the api's figures to its metrics."""
    sessions = Gauge("active_connections", "Database sessions at work.", registry=metrics.registry)
    sessions.set_function(lambda: database.in_use)
    heap = Gauge(
        "api_nodejs_heap_size_used_bytes",
        "Memory that the process holds, under the name of the platform's runtime.",
        registry=metrics.registry,
    )
    heap.set_function(held_bytes)
    metrics.registry.register(
        Counted(
            {
                "cache_hits": ("Values found in the cache.", lambda: cache.hits),
                "cache_misses": ("Values not found in the cache.", lambda: cache.misses),
                "redis_operations": ("Commands sent to Redis.", lambda: cache.operations),
                "db_queries": ("Statements sent to PostgreSQL.", lambda: database.queries),
            }
        )
    )


def held_bytes() -> float:
    """Resident memory of this process; its peak where the system does not say the present."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
