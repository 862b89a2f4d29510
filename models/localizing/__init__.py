"""Find the operator at which a file deviates from its reference: `python -m models.localizing`.

| module | purpose |
|---|---|
| `watching` | runs a file like a runner, and reads all tensors |
| `matching` | finds the corresponding tensors of two files |
| `curve` | measures the differences, operator by operator; counts NaN and Inf |
| `mending` | finds the kinds of operators that would have to stay in float |
| `between` | finds the first operator at which two backends give different answers |
| `cutting` | cuts a part out of a file |
| `reproducing` | writes the parts of a bug report |
| `files` | reads the request, and writes the answer |
"""
