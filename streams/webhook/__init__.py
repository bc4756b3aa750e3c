"""Alerts and orders to a URL: signed, at least once under one id, retried, and dead after a stated time."""
