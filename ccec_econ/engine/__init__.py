"""Numerical core: arrays in, small frozen objects out. NumPy and SciPy only."""
