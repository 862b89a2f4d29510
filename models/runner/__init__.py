"""Load FlatBuffers on the target, and answer over stdin and stdout.

Its modules and those of `models.backends` are put into one file, which is all that a board needs
beside numpy and one runtime: see `models.runtime.assembling`. It runs on Python 3.8, starts no
process and opens no socket. Importing a module of it has no effect.
"""
