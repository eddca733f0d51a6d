"""The railway of the circle: what opened when, how near it brings places, and what was planned."""
