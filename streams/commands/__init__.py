"""The commands of ``vitals``: thin, each a few lines around what does the work."""
