"""Write an archive with everything that a board needs on a host, and check it on the board."""
