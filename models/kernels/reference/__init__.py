"""Compute the exact answer of each operator with numpy, from its specification.

`calls` says what an operator is handed, the modules beside it hold the operators by kind, and
`evaluating` computes a graph of them.
"""
