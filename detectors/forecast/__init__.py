"""What comes in the next steps, with intervals: counts of many series at once, learned as they come."""
