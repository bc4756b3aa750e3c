"""Dead letters: read, told in words, repaired and sent again."""
