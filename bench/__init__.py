"""Runnable comparisons, one module per claim in docs/benchmarks.md.

Run them from the root of the repository: `python -m bench.throughput --help`.
"""
