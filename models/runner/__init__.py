"""Run FlatBuffers on the target; receive requests on stdin and send replies on stdout.

The modules of this package and of `models.backends` are packed into one file. A board needs only
this file, numpy and one runtime: see `models.runtime.assembling`. The runner works on Python 3.8,
starts no process and opens no socket. Importing its modules has no side effects.
"""
