"""Define targets, the machines that run backends: each module defines one kind of target."""
