"""The words of the notes that say why, in English."""

WHY = {
    "why.embeddings": "Why is it still this big?",
    "why.embeddings.text": "Embeddings, one row of numbers for every word piece, take {share} of the compressed "
    "model ({embeddings} of {total}). Dropping layers does not shrink them, and rounding to 4 or 8 bits only reaches "
    "the matrices inside the layers, which take {encoder}. The smaller the student, the more of it is vocabulary.",
    "why.embeddings.rounded": "Embeddings, one row of numbers for every word piece, take {share} of the compressed "
    "model ({embeddings} of {total}), rounded as they are; the matrices inside the layers take {encoder}. A smaller "
    "vocabulary or a smaller hidden size shrinks them further.",
    "why.embeddings.linear": "A linear student has no embeddings and no layers: its {total} are one weight for every "
    "bucket, and fewer buckets or fewer bits are all that shrinks it.",
    "why.embeddings.empty": "As soon as the student can be built, this note says where its bytes live.",
    "why.padding": "Why does padding matter?",
    "why.padding.text": "A batch is a rectangle: every URL is padded to the longest. Half of these URLs have at most "
    "{p50} tokens: padded to {limit}, such a URL would spend {waste} of the work on nothing.",
    "why.padding.on": "This recipe groups URLs of similar length, so little of that happens.",
    "why.padding.off": "This recipe leaves URLs in order, so each batch pays for its longest URL.",
    "why.padding.empty": "Look at the data above, and this note says how much of the work padding would waste here.",
    "why.alpha": "What does α weigh?",
    "why.alpha.text": "The loss is α × soft + (1 − α) × hard. With α = {alpha}, {soft_share} of the weight goes to "
    "matching the teacher's probabilities (softened at temperature {temperature}) and {hard_share} to the true "
    "labels.",
    "why.alpha.step": "At step {step} that was {alpha} × {soft} + {rest} × {hard} = {loss}.",
}
