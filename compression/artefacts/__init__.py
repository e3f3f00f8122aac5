"""Model folders: saving and reloading them in any scheme, and what they weigh."""
