"""Test kernels: draw cases of operators and small patterns, and compute exact answers with bounds.

A *family* draws a case: a graph, its inputs, and a number of threads. A *backend* computes the case
through a runner. The *reference* computes the same graph with numpy, together with a bound on the
error of a correct kernel. A result outside the bound is a *deviation*, and is saved as a
counterexample.

`graph` and `options` define graphs. `writing` writes a graph as a FlatBuffer, and `reading` reads
the operators of a FlatBuffer as graphs. `rounded` computes with bounds, and `reference` uses it to
compute each operator. `families` draws cases. `asking` runs a case on a backend, `judging` compares
the results, and `searching` does both for many cases. `counterexamples` saves the deviations.
`coverage` tests the operators of a file on the activations that `recording` records while the file
computes texts.
"""
