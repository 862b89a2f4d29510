"""Start programs within limits, and end this one without leaving any behind."""
