"""The words of classifying a whole file, in English."""

FILE = {
    "fold-file": "Classify a whole file",
    "file.lead": "CSV, Parquet or plain text with one URL a line, at most {megabytes} MB and {rows} rows. Addresses "
    "are read as text and never opened; file and verdicts leave this server after an hour or so.",
    "file": "A file of URLs",
    "file.model": "Who answers",
    "file.model.info": "A model of the run on show.",
    "file.button": "Classify the file",
    "file.empty": "A verdict for every row appears here, to sort, search and download.",
    "file.none": "Choose a file first.",
    "file.gone": "That file is no longer on this server. Choose it again.",
    "file.large": "{name} is larger than {megabytes} MB. Give a smaller file, or use python -m compression "
    "classify-file, which takes files of any length.",
    "file.busy": "A file of yours is being classified already. Wait until that is done, then try again.",
    "file.model.absent": "This model cannot answer here. Choose another one.",
    "file.no-room": "The verdicts cannot be written on this server now. Try again later, or with a smaller file.",
    "file.done": "Rows: {rows}. Not Safe: {not_safe}, Safe: {safe}, without a verdict: {skipped}.",
    "file.speed": "{model} took {time}, {rate} URLs a second.",
    "file.shown": "The table holds the first {shown} rows, the download all {rows}.",
    "file.caption": "The verdicts, row by row (addresses made unclickable)",
    "file.search": "Search the URLs",
    "file.show": "Show",
    "file.all": "All rows",
    "file.matching": "Rows shown:",
    "file.download": "Download all verdicts (CSV)",
    "column.row": "Row",
    "column.verdict": "Verdict",
    "column.probability": "Probability of phishing",
}
