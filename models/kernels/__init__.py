"""Test kernels: draw cases of operators and small patterns, and compute exact answers with bounds.

A *family* draws a case: a graph, its inputs, and a number of threads. A *backend* computes the case
through a runner. The *reference* computes the same graph with numpy, together with a bound on the
error of a correct kernel. A result outside the bound is a *deviation*, and is saved as a
counterexample.

`graph` and `options` describe a graph, `writing` and `reading` turn it into a FlatBuffer and back;
`rounded` is arithmetic with bounds, `reference` the operators; `families` draws cases; `judging`
compares results, `asking` runs a case on a backend, `searching` repeats both, and `counterexamples`
saves the deviations. `coverage` tests the operators of a file on the activations that `recording`
records while the file computes texts.
"""
