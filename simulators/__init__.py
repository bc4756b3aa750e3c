"""The district that is not there: devices, faults with ground truth, field teams, and replays of recorded data."""
