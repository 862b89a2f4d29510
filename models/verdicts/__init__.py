"""Judge measurements: quantities with units, metrics, intervals, budgets, verdicts.

The pytest process imports this package, so it never imports a runtime, and scipy only when needed.
"""
