"""Detectors of anomalies in single series, many at once: frozen parameters, a block of state, a pure step."""
