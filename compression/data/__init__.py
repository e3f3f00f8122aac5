"""Where URLs come from: files, the bundled corpus, splits, and how they become batches."""
