"""Open, check, read and write files, whoever made them."""
