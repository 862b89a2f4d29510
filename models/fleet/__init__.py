"""Fleets: several boards in one go, each judged by a run of its own."""
