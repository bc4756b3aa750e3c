"""Which source fits what several sensors saw: in air by the wind, in water by the way it flows."""
