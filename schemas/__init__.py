"""Every event, the registry and the catalogue: the contract between gateways, stages, stores and people."""
