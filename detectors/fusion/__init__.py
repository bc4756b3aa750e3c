"""One estimate out of several sensors that see the same thing, each in its own wrong way."""
