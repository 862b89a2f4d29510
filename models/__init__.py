"""The pure library: corpus -> train -> convert -> run -> judge. Knows nothing of pytest."""
