"""Plan what is built of a subject: its models' checkpoints, and every stage with its key."""
