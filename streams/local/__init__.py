"""Servers on this machine, for development and tests: started as children on loopback, ended by their own pid."""
