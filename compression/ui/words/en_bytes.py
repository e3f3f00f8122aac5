"""The words of where the bytes live, and of what would shrink them, in English."""

BYTES = {
    "chart.bytes": "Where the bytes live, in shares of each model",
    "bytes.empty": "What each model consists of: embeddings, attention, feed-forward, head, tokenizer.",
    "bytes.none": "Where the bytes live is not known: this run did not write it down, and its models are not here.",
    "column.total": "Total",
    "part.embeddings": "Embeddings",
    "part.attention": "Attention",
    "part.feed-forward": "Feed-forward",
    "part.layers": "Attention and feed-forward",
    "part.n-grams": "N-gram weights",
    "part.head": "Head",
    "part.state": "Quantization state",
    "part.tokenizer": "Tokenizer",
    "part.other": "Config and headers",
    "next.where": "{part}: {share} of what is left.",
    "next.info": "Changes the recipe above, which can be undone there. Nothing runs until you press Run.",
    "next.none": "No single step of the recipe would shrink what is largest here.",
    "next.done": "The recipe now does this: {step}. Press Run to see what it costs.",
    "next.cannot": "The recipe above cannot take this step. Open this run's recipe, or choose a preset, and try again.",
    "next.quantize-embeddings": "Quantize the embeddings too",
    "next.trim": "Trim the vocabulary to what the data needs",
    "next.fewer-words": "Halve the vocabulary",
    "next.rare-words": "Drop tokens that occur only once",
    "next.double": "Quantize the scales too (double quantization)",
    "next.four-bits": "Round all weights to 4 bits",
    "next.fewer-features": "Halve the number of buckets",
    "next.fewer-layers": "Take one layer less",
    "why.vocabulary": "Why do embeddings dominate a small model?",
    "why.vocabulary.text": "A table of one row for each word piece is as long for a small model as for a large one. "
    "From “{first}” to “{last}” the layers went from {layers_before} to {layers_after}, the embeddings from "
    "{table_before} to {table_after}: their share went from {before} to {after}. Only fewer word pieces, narrower rows "
    "or fewer bits a number shrink them.",
    "why.heads": "Why do fewer heads save nothing?",
    "why.heads.text": "Attention takes {attention} here. Its matrices are as wide as the model, and heads are but the "
    "number of strips they are cut into: with half as many heads, each strip is twice as wide, and the bytes are the "
    "same.",
    "why.heads.removed": "This run removed {share} of its heads with their strips, and that is what saves bytes.",
    "why.heads.kept": "Removing heads together with their strips (under Pruning) is what saves bytes.",
    "why.zeros": "Why do zeros save nothing until they are removed?",
    "why.zeros.text": "This run set {share} of the weights to zero, and the model went from {before} to {after}: a "
    "zero is a number like any other, and takes as many bits. Stored sparse, in a packed scheme, zeros are left out; "
    "whole heads and neurons, removed, are gone.",
    "why.zeros.none": "A zero is a number like any other, and takes as many bits: set half of the weights to zero "
    "(under Pruning), and the file stays as it is. Stored sparse, in a packed scheme, zeros are left out; whole heads "
    "and neurons, removed, are gone. This run set none to zero.",
}
