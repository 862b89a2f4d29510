"""Verdicts: quantities with units, metrics, intervals, and the judge that compares them to budgets.

Imported by the pytest process, so nothing here imports a runtime, and scipy only when called.
"""
