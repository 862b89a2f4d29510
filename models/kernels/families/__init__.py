"""Draw cases: one family for each operator and kind of operands.

A module holds the families of operators of one kind; `all_families` lists those of all modules.
To add an operator, add an entry to a family module, its reference and its options.
"""
