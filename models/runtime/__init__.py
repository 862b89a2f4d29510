"""The runner, its client and its transports: where FlatBuffers answer, and how pytest asks."""
