"""What edgeproof claims of its own speed, measured: `python -m benchmarks`."""
