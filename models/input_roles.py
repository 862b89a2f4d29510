"""Name the roles of a classifier's inputs: the arrays that a tokenizer gives.

A model file can give its inputs any names; names and positions are part of its binding.
"""

from __future__ import annotations

# Token ids; a mask (1 for a token, 0 for padding); segments (0 for the first text of a pair, 1 for
# the second).
IDS, MASK, SEGMENTS = ROLES = ("ids", "mask", "segments")
# Additional array where a model accepts rows of several lengths: the input length used for each
# row.
LENGTH = "length"
