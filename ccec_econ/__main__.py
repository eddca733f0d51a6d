"""``python -m ccec_econ`` is the command ``ccec``."""

from ccec_econ.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
