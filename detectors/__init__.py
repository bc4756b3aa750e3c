"""Pure functions over numpy arrays: quality, levels, crowd, vital-sign scores. No clock, no IO."""
