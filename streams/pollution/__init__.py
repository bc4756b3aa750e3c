"""Where pollution may come from: places upwind, or points upstream, of the sensors that rose, with the evidence."""
