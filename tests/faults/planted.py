"""A worker with a planted fault: ``python -m tests.faults.planted FAULT --stages STAGE --port PORT``."""

from __future__ import annotations

import sys

from streams.cli import main
from tests.faults import planted_clocks, planted_delivery, planted_early, planted_state, planted_stuck, planted_zombie

MODULES = (planted_clocks, planted_delivery, planted_early, planted_state, planted_stuck, planted_zombie)
FAULTS = {name: plant for module in MODULES for name, plant in module.FAULTS.items()}

if __name__ == "__main__":
    fault = sys.argv.pop(1)
    FAULTS[fault]()
    sys.argv.insert(1, "worker")
    main()
