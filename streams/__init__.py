"""The edge: Faust stages, state, storage, console and command line."""
