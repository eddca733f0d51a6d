"""Effects of a treatment that reaches units at different times, and what it does to neighbours."""
