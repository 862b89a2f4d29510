"""Draw cases: one family for each operator and kind of operands.

Each module contains the families of operators of one kind; `all_families` lists all families. To
add an operator, add its family to one of these modules, its reference to
`models/kernels/reference`, and its options to `models/kernels/options.py`.
"""
