"""How good a detector is, against labels: scorers, which know nothing of any detector."""
