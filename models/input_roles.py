"""Name the roles of a classifier's inputs: the arrays that a tokenizer gives.

A file takes them under any name; the names and positions are part of its binding.
"""

from __future__ import annotations

# Numbers of the tokens; 1 where a token stands and 0 where padding does; 0 for the first text of
# a pair and 1 for the second.
IDS, MASK, SEGMENTS = ROLES = ("ids", "mask", "segments")
# Beside them, where a file takes rows of several lengths: the length that answers each row.
LENGTH = "length"
