"""Compression Lab's page: `python app.py`, and what a Space runs."""

import compression  # noqa: F401 - first, for it refuses a Python whose standard library has this name too

if __name__ == "__main__":  # the process of a run imports this too
    from compression.ui import launch

    launch()
