"""Compression Lab's page: `python app.py`, and what a Space runs."""

import compression  # noqa: F401, I001 - first, for it refuses a Python whose standard library has this name too

from compression.ui import launch

if __name__ == "__main__":
    launch()
