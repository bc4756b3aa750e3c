"""One thing, handled: cases, the teams that go, the clocks that run, the sensor that says it is put right."""
