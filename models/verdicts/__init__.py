"""Judge measurements: quantities with units, metrics, intervals, budgets, verdicts.

Imported by the pytest process, so nothing here imports a runtime, and scipy only when called.
"""
