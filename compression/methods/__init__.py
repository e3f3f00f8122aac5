"""One compression method a file; each usable alone in a notebook."""
