"""Two New Year's Eves on the Bund, replayed: 2014 with its crush, and 2017 without."""
