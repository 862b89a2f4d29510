"""Devices: what each board is, how it is recognized, and in which circumstances it measures."""
