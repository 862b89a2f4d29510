"""Open, check, read and write files: edgeproof's own, and those from outside."""
