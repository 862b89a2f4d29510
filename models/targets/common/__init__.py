"""What every target offers, how one is found by its URL, and which profile judges it."""
