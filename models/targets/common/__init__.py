"""Define a target's interface, find a target by its URL, and choose the profile that judges it."""
