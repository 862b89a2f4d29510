"""Open, check, read and write files, of edgeproof's own and from outside."""
