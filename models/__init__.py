"""The library without pytest: corpus -> train -> convert -> run -> judge."""
