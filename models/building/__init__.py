"""Plan what is built of a subject, and share the work among helper processes."""
