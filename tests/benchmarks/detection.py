"""All figures of detection, one after the other: ``make bench-detection``."""

from __future__ import annotations

import time

from tests.benchmarks import detection_core, detection_injected, detection_nab, forecasting

if __name__ == "__main__":
    began = time.perf_counter()
    for part in (detection_core, forecasting, detection_injected, detection_nab):
        part.show(part.figures())
        print(flush=True)
    print(f"in {time.perf_counter() - began:.0f} s")
