"""Run FlatBuffers: the runner, its client and its transports."""
