"""Compression Lab: shrink a text classifier and see, honestly measured, what it cost."""

import sys

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    raise RuntimeError(
        "Compression Lab needs Python 3.11, 3.12 or 3.13 (from 3.14 on, the standard library has a package "
        "named 'compression' too). Start it with one of those."
    )

__version__ = "0.1.0"
__all__ = ["__version__"]
