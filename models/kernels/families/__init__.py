"""Draw cases: one family for each operator and kind of operands.

A module holds the families of operators of one kind; `all_families` lists those of all modules.
What adds an operator is one entry here, its reference, and its options.
"""
