"""The catalogue at the edge: read from files, and changed while the system runs."""
