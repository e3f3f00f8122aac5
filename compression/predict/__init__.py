"""URL in, prediction out, with any model folder."""
