"""The words of looking for URLs on which two models disagree, in English."""

DISAGREE = {
    "fold-disagree": "Where do teacher and compressed model disagree?",
    "disagree": "Find where they disagree",
    "disagree.lead": "Edits the URL above in small ways (a piece left out, another word, scheme, case or look-alike "
    "letters) and asks both models, for ten seconds at most; and looks through the test URLs.",
    "disagree.empty": "URLs to which the two give different verdicts appear here.",
    "disagree.edited": "The URL above, edited",
    "disagree.tested": "URLs of the test split",
    "disagree.type": "Type a URL above, and its edits are tried too.",
    "disagree.no-run": "There is no finished run on show, so there is only one model to ask.",
    "disagree.absent": "Only one of the two models is on this server, so that edits cannot be tried.",
    "disagree.none": "None of {asked} edits makes them disagree.",
    "disagree.none.cut": "None of {asked} edits makes them disagree; there was no time for more.",
    "disagree.found": "The first {count} found, after {asked} edits (addresses made unclickable)",
    "disagree.unkept": "This run kept no predictions of both.",
    "disagree.counted": "They disagree on {count} of {examples} test URLs.",
    "disagree.not-at-hand": "Of these URLs only hashes were kept, and this data is not on this server, or another "
    "visitor's.",
    "column.edit": "Edit",
    "edit.scheme": "Another scheme",
    "edit.case": "Other case {piece}",
    "edit.dropped": "Without {piece}",
    "edit.replaced": "Another word for {piece}",
    "edit.look-alike": "Look-alike letters in {piece}",
}
