"""Batches in, confirmed effects out: the only place that knows Faust's inner life."""
