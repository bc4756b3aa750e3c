"""The registry as the stages see it, and how it is written."""
