"""The library, which does not import pytest: corpus -> train -> convert -> run -> judge."""
