"""Find where a file leaves its reference: `python -m models.localizing`.

| module | what |
|---|---|
| `watching` | runs a file as a runner does, every tensor kept |
| `matching` | which tensors of two files hold the same |
| `curve` | how far they are from each other, operator by operator; NaN and Inf |
| `mending` | which kinds of operators would have to stay in float |
"""
