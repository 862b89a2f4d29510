"""Judge measurements: quantities with units, metrics, intervals, budgets, verdicts.

The pytest process imports this package. So the package never imports a runtime, and it imports
scipy only in functions that need it.
"""
