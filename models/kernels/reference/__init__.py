"""Compute the exact answer of each operator with numpy, from its specification.

`calls` defines the input of an operator's reference, `evaluating` computes a graph, and each other
module contains the operators of one kind.
"""
