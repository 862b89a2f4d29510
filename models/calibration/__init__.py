"""Calibration: how often, on this machine, the latency gate cries wolf, and what it overlooks."""
