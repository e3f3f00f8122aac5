"""The words of runs computed beforehand, in English."""

EXAMPLES = {
    "example": "Results to look at before a run of your own",
    "example.info": "They come with the lab. Of the real URLs (A. Hannousse and S. Yahiouche, CC BY 4.0) only hashes, "
    "labels and probabilities are stored.",
    "example.quick": "Quick, on the bundled URLs",
    "example.real": "Quick, on real URLs",
    "example.tiny": "Tiny, on real URLs",
    "status.precomputed": "Precomputed",
    "precomputed.made": "Precomputed on {when} on {device} with",
    "precomputed.run": "Press Run to make your own.",
    "precomputed.here": "Computed beforehand and not here: this is how it went. Press Run to make your own, by the "
    "recipe above.",
    "precomputed.absent": "The lab comes without the files of: {models}. Press Run, and all three answer.",
    "and": " and ",
}
