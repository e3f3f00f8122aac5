"""The words of how sure a result is, in English."""

CERTAINTY = {
    "metrics.intervals": "The small numbers are 95 % intervals: Wilson's for accuracy, precision and recall, by "
    "resampling the test URLs for F1 and ROC AUC.",
    "metrics.intervals.counts": "The small numbers are 95 % intervals (Wilson's). This run kept no predictions, so "
    "there are none for F1 and ROC AUC.",
    "certainty": "How much of that is luck?",
    "certainty.empty": "Whether one model is better than another, or was just luckier with these URLs, is said here.",
    "certainty.none": "This run kept no predictions, so its models cannot be compared URL by URL.",
    "pair.same": "{model} and {other} are right on the same of {examples} test URLs.",
    "pair.even": "{model} is right on as many of {examples} test URLs as {other}, though not on the same: {verdict}.",
    "pair.more": "{model} is right on {count} more of {examples} test URLs than {other}: {verdict}.",
    "pair.fewer": "{model} is right on {count} fewer of {examples} test URLs than {other}: {verdict}.",
    "pair.noise": "within noise ({chance})",
    "pair.real": "more than noise ({chance})",
    "who.teacher": "the teacher",
    "who.student": "the student",
    "who.compressed": "the compressed model",
    "who.untaught": "the same student without a teacher",
    "who.control": "the TF-IDF control",
    "taught.measured": "What the teacher brought: {points} {unit} (95 % interval {low} to {high}: {verdict}), the "
    "student against the same student trained on the labels alone, on {examples} validation and test URLs.",
    "taught.not": "What the teacher brought was not measured: switch on “{control}” above, and run again.",
    "spread.measured": "{model}: from {low} to {high} with {seeds} seeds, so luck alone moves it by {points} {unit}.",
    "spread.not": "How far luck moves the score was not measured: ask for more than one of “{control}” above, and run "
    "again.",
    "pairs.more": "Any two models, on the same URLs",
    "pairs.caption": "Right where the other is wrong, in test URLs",
    "pairs.note": "p is that of McNemar's exact test; below 0.05 the difference is more than noise.",
    "column.against": "Against",
    "column.only-model": "Only it",
    "column.only-other": "Only the other",
    "column.points": "Difference (points)",
    "column.p": "p",
    "column.means": "Means",
    "means.noise": "noise",
    "means.real": "more than noise",
    "why.noise": "Why are a few URLs noise?",
    "why.noise.text": "{model} and {other} part ways on {apart} URLs: {more} that only the one gets right, {less} only "
    "the other. Were they equally good, each of these would be the toss of a coin, and {apart} tosses come out as "
    "unevenly as this, or more so, {share} of the time.",
    "why.noise.enough": "With so many tosses, {needed} to {rest} or more would be needed before it is called more "
    "than noise.",
    "why.noise.same": "{model} and {other} are right on the same URLs, so there is nothing here that chance could have "
    "brought about.",
}
