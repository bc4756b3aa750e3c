"""Alerts of a district: one life for one wrong thing, from raise to proven end; and the tiers' vital signs."""
