"""Pack all that a board needs into one archive on a host, and check it on the board."""
