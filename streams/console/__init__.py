"""The command centre: the whole district on one page, and the words that people send back."""
