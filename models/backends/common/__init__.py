"""Share code among backends: their interface, their registry, and the interpreter's API."""
