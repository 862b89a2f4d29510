"""Test kernels: draw cases of operators and small patterns, and compute exact answers with bounds.

A *family* draws a case: a graph, its inputs, threads. A *backend* answers it through a runner. The
*reference* computes the same graph with numpy, and carries along how far a right kernel may be from
it. What lies further off is a *deviation*, and a counterexample is kept.

`graph` and `options` describe a graph, `writing` and `reading` turn it into a FlatBuffer and back;
`rounded` is arithmetic with bounds, `reference` the operators; `families` draws cases; `judging`
compares, `asking` answers, `searching` does both over and over, `counterexamples` keeps what was
found. `coverage` judges the operators of a file, which `recording` feeds with what it computes of
texts.
"""
