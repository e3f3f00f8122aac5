"""The words of taking charts, a comparison or a model along, in English."""

TAKE = {
    "take": "Download",
    "take.lead": "The comparison to keep or to hand on, or a model with all it takes to run it and to make it again.",
    "take.what": "What",
    "take=report": "Report (one HTML file)",
    "take=json": "All figures (JSON)",
    "take.student": "Student (zip)",
    "take.compressed": "Compressed model (zip)",
    "take.button": "Prepare it",
    "take.download": "Download {name} ({size})",
    "take.nothing": "There is no finished run to take along. Press Run, or open one of your runs below.",
    "take.absent": "This model is not on this server. Choose another one.",
    "take.report": "All charts and tables in one file that needs no network; it lists no URL.",
    "take.json": "The result, intervals, comparisons, thresholds and calibration.",
    "take.model": "With it comes an ONNX file that was compared with the model on the {texts} test URLs just now: no "
    "probability differs by more than {difference}, and {flipped} verdicts.",
    "take.model.none": "There is no ONNX file with it. {reason}",
    "report.made": "Made on {created}, with Compression Lab {version}. The recipe:",
    "api.description": "The verdict of each model of a run (of the bundled one without a run) on a URL. The address is "
    "read as text and never opened; nothing is kept.",
    "save.png": "Save as PNG",
    "save.csv": "Data as CSV",
    "save.of": "{what}: {chart}",
}
