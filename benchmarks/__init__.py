"""Measure edgeproof's own speed: `python -m benchmarks`."""
