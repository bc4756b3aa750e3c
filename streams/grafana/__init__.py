"""Grafana dashboards by domain, made from the catalogue: a changed catalogue makes changed boards."""
