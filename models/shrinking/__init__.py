"""A small model made out of the full one: fewer word pieces, layers, units and bits of a weight."""
