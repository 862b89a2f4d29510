"""Plan the artefacts of a subject, and share the work among helper processes."""
