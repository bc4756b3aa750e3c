"""State as blocks in topics of our own: manifests, checkpoints, recovery."""
