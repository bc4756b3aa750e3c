"""Run detectors and rules over what was recorded, and say what they would have done."""
