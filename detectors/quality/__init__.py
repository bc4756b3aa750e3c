"""Can a sensor be trusted? Each file is one thing that makes one suspect; ``grade`` is what comes of all of them."""
