"""Benchmarks: what a gate takes beyond the time its looks must take, a line each on stdout.

`python -m benchmarks [NAME…]` measures, prints `BENCH NAME RATIO <= LIMIT ok|short` and exits 1
when one is short. docs/performance.md says what the names mean and what was measured.
"""
