"""The bundle: one archive with all that a board needs, made on a host and checked on the board."""
