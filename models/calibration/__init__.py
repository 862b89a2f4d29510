"""Measure the error rates of the latency gate on this machine."""
