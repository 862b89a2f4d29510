"""Make a small model out of the full one: fewer word pieces, layers, units and bits per weight."""
