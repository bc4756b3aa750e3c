"""What became of a record, a device, a report or an alert: out of the log, in words."""
