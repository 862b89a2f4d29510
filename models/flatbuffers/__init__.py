"""Schemes, conversion and inspection of FlatBuffers."""
