"""The page in English. `X.info` explains the control `X`; `X=value` names one of its choices."""

from compression.ui.words.en_behaviour import BEHAVIOUR
from compression.ui.words.en_bytes import BYTES
from compression.ui.words.en_certainty import CERTAINTY
from compression.ui.words.en_examples import EXAMPLES
from compression.ui.words.en_file import FILE
from compression.ui.words.en_form import FORM
from compression.ui.words.en_labels import LABELS
from compression.ui.words.en_push import PUSH
from compression.ui.words.en_runs import COMPARED, RUNS
from compression.ui.words.en_xray import XRAY

PAGE = {
    "title": "Compression Lab",
    "kept-briefly": "The home directory cannot be written: runs and downloads go to {folder}, which may not last.",
    "served": "Compression Lab is at {url} (Ctrl+C stops it).",
    "hero.title": "How small can a model get before it stops being good?",
    "hero.lead": "A large teacher trains a small student to spot phishing URLs; the student is then trimmed, pruned "
    "and squeezed into fewer bits. You choose how, and see, honestly measured, what each step cost.",
    "hero.steps": "Teacher|Student|Compressed",
    "preset": "Recipe",
    "preset.info": "Quick is done in under a minute. Article follows the published notebooks; the next four go on to "
    "where they stop and beyond, in minutes. Change anything and it is your own.",
    "preset=quick": "Quick",
    "preset=article": "Article",
    "preset=article-completed": "Article, completed",
    "preset=balanced": "Balanced",
    "preset=tiny": "Tiny (100×)",
    "preset=smallest": "Smallest (200×)",
    "preset=linear": "Linear",
    "preset=custom": "Custom",
    "preset.undo": "Undo: bring back my own settings",
    "section.teacher": "Teacher and data",
    "section.teacher.lead": "Who teaches, and which URLs they learn from.",
    "section.student": "Student",
    "section.student.lead": "The small model. Its size is worked out before anything runs.",
    "section.distillation": "Distillation",
    "section.distillation.lead": "The student learns to give the teacher's answers, doubts included.",
    "section.quantization": "Quantization",
    "section.pruning": "Pruning",
    "section.pruning.lead": "Takes out what the student can spare. Heads, neurons and layers that are removed make "
    "it smaller; single weights set to zero save nothing by themselves until zeros are stored sparse or removed.",
    "section.quantization.lead": "The weights are rounded to fewer bits: at the end, or already while the student "
    "learns.",
    "fold-fine-tuning": "Fine-tune the teacher first",
    "fold-shape": "Finer shape",
    "fold-more-data": "More to learn from",
    "fold-inside": "Imitate inside",
    "fold-structured": "Remove heads, neurons or layers",
    "fold-pruning": "Set single weights to zero",
    "fold-qat": "Learn with the rounding in the loop",
    "qat.lead": "Quantization-aware training, for the packed and ternary schemes: choose one above, and how it goes "
    "can be set here.",
    "fold-sensitivity": "How sensitive is each layer?",
    "sensitivity.lead": "Prunes or rounds one part of the recipe's teacher at a time, leaves the rest as it is, and "
    "measures what that does on its validation split. What rises little can be squeezed. Takes up to two minutes.",
    "sensitivity": "Measure it",
    "sensitivity.empty": "A bar for each part appears here: how much the loss rises with this part alone pruned or "
    "rounded.",
    "chart.sensitivity": "Rise of the validation loss, in nats, with one part alone",
    "sensitivity.prune": "pruned",
    "sensitivity.quantize": "rounded",
    "sensitivity.baseline": "Untouched, the teacher's loss is {loss}.",
    "column.part": "Part",
    "column.done": "What was done",
    "column.loss": "Loss",
    "column.rise": "Rise",
    "column.saved": "Saved (MB)",
    "section.run": "Run",
    "section.run.lead": "The steps above, in their order. It goes on if you close or refresh this page.",
    "section.compare": "Compare",
    "section.compare.lead": "All models, measured on test URLs that this run kept out of training.",
    "section.classify": "Classify a URL",
    "section.classify.lead": "The address is read as text and never opened.",
    "section.runs": "Your runs",
    "section.runs.lead": "Kept on this server and shown to you alone, unless you share a run's link.",
    "training.more": "Finer settings",
    "preview": "Look at the data",
    "preview.empty": "Press “Look at the data” to see rows per split, class balance, token lengths and a few URLs.",
    "estimate.empty": "The student's size appears here as soon as the recipe is complete.",
    "estimate.title": "Before anything runs",
    "estimate.parameters": "Parameters",
    "estimate.student": "In fp32",
    "estimate.compressed": "After {scheme}",
    "estimate.ratio": "Smaller than the teacher",
    "estimate.shape": "{layers} layers, {heads} heads, hidden size {hidden_size}, feed-forward size "
    "{intermediate_size}. The teacher: {teacher_parameters} parameters, {teacher_bytes}.",
    "estimate.linear": "A linear model of {features} hashed character n-grams. The teacher: {teacher_parameters} "
    "parameters, {teacher_bytes}.",
    "estimate.parts": "Where the compressed model's bytes live",
    "run": "Run",
    "cancel": "Cancel",
    "cancelling": "Cancelling…",
    "progress.empty": "Nothing has run yet. Press Run: stages, time left, the loss and each epoch's scores appear "
    "here.",
    "loss.empty": "The loss curve is drawn here while the student learns.",
    "epochs.empty": "After each epoch, the student's and the teacher's scores on the validation split appear here.",
    "summary.empty": "When a run is done, one sentence here says what the compression bought and what it cost.",
    "size-accuracy.empty": "A chart of size against accuracy: how far left can you go without falling?",
    "staircase.empty": "The run as a staircase: what each step did to size and accuracy.",
    "metrics.empty": "Accuracy, precision, recall and F1 side by side, with a table of everything measured.",
    "confusion.empty": "Which mistakes each model makes: URLs wrongly trusted and wrongly blocked.",
    "latency.empty": "How long one URL takes, from text to verdict.",
    "verdicts.empty": "Type a URL or pick an example. Before any run, the models that come with the lab answer.",
    "runs.empty": "No runs yet. Each one you start is kept here, to open again, name, compare and take along.",
    "reference": "Show the article's three points",
    "reference.info": "The article's own data, 450 URLs: a landmark, not a comparison.",
    "url": "URL",
    "url.info": "Any web address, up to {limit} characters. It is never opened.",
    "url.placeholder": "http://example.com/login",
    "classify": "Classify",
    "examples": "Or try one of these",
    "chart.loss": "Loss while training, in nats",
    "chart.loss.steps": "Step",
    "chart.loss.total": "Total",
    "chart.loss.soft": "Soft (teacher)",
    "chart.loss.hard": "Hard (labels)",
    "chart.size-accuracy": "Size against accuracy, on the test split",
    "chart.size.axis": "Size in MB (log scale)",
    "chart.run": "this run",
    "chart.beside": "beside it",
    "chart.seeds": "other seeds",
    "chart.staircase": "From teacher to result, step by step",
    "chart.staircase.size": "MB (log)",
    "chart.staircase.accuracy": "Accuracy, %",
    "staircase.note": "Accuracy on the validation split. A triangle stands for one too low to fit in, as of a "
    "student that has learnt nothing yet.",
    "chart.reference": "the article's own data, 450 URLs",
    "chart.metrics": "Four metrics, on the test split, with 95 % intervals",
    "chart.confusion": "Right and wrong verdicts, in URLs of the test split",
    "chart.confusion.is": "Truly",
    "chart.confusion.says": "Model says",
    "chart.latency": "Milliseconds from one URL to its verdict",
    "chart.latency.p50": "Typical (p50)",
    "chart.latency.p95": "Slowest 5 % (p95)",
    "epochs.caption": "Scores on the validation split",
    "metrics.caption": "Everything measured, on the test split",
    "preview.caption": "Rows in each split",
    "confusion.tn": "Safe, trusted",
    "confusion.fp": "Safe, blocked",
    "confusion.fn": "Phishing, trusted",
    "confusion.tp": "Phishing, blocked",
    "table.numbers": "The same as a table",
    "table.undefined": "–",
}

NAMES = {
    "stage.load": "Load",
    "stage.distill": "Distill",
    "stage.fine-tune": "Fine-tune",
    "stage.student": "Student",
    "stage.vocabulary": "Vocabulary",
    "stage.structured": "Remove",
    "stage.prune": "Prune",
    "stage.qat": "QAT",
    "stage.quantize": "Quantize",
    "stage.untaught": "Without teacher",
    "stage.seeds": "Other seeds",
    "stage.evaluate": "Evaluate",
    "model.teacher": "Teacher",
    "model.student": "Student",
    "model.compressed": "Compressed",
    "model.untaught": "Without teacher",
    "model.control": "TF-IDF control",
    "model.majority": "Majority class",
    "status.queued": "Waiting",
    "status.running": "Running",
    "status.succeeded": "Done",
    "status.failed": "Failed",
    "status.cancelled": "Cancelled",
    "status.interrupted": "Interrupted",
    "metric.accuracy": "Accuracy",
    "metric.precision": "Precision",
    "metric.recall": "Recall",
    "metric.f1": "F1",
    "metric.roc_auc": "ROC AUC",
    "column.model": "Model",
    "column.size": "Size (MB)",
    "column.parameters": "Parameters (M)",
    "column.p50": "p50 (ms)",
    "column.p95": "p95 (ms)",
    "column.epoch": "Epoch",
    "column.step": "Step",
    "column.stage": "Step",
    "column.smaller": "Smaller",
    "column.change": "Change (points)",
    "column.seconds": "Seconds",
    "column.difference": "To the teacher (points)",
    "column.split": "Split",
    "column.rows": "Rows",
    "column.phishing": "Phishing",
    "column.url": "URL",
    "column.label": "Label",
    "verdict.Safe": "Safe",
    "verdict.Not Safe": "Not Safe",
}

MESSAGES = {
    "message.illegal": "{label}: please give {legal}.",
    "message.text": "{label}: please fill this in, with 500 characters at most.",
    "message.layer-map": "{label}: please give one layer number of the teacher for each layer of the student, with "
    "commas between, like 2,5, or leave it empty.",
    "message.nothing": "leave it empty",
    "message.local": "{label}: this hosted page cannot read local files. Choose one from the list, or run the lab on "
    "your own machine.",
    "message.url.empty": "Type or paste a URL first, or pick one of the examples.",
    "message.url.long": "This is {length} characters long. Shorten it to {limit} and try again.",
    "message.address": "This host and port cannot be served. Another program may be using them: choose another port.",
    "message.unknown-run": "There is no run with this link any more. Start a new one, or open one of yours below.",
    "message.shared": "You are watching a shared run: only the person who started it can cancel or delete it.",
    "remedy": "Use {choices}",
    "remedy.teacher": "the bundled teacher",
    "remedy.data": "the bundled data",
    "remedy.student.base": "layers of the teacher",
    "remedy.done": "The recipe now uses {choices}; the rest of it is as it was.",
    "remedy.shortened": "The recipe now uses {choices}, and inputs of {tokens} tokens at most, which is what that "
    "model can read; the rest of it is as it was.",
    "list.and": "{most} and {last}",
    "hub.offline": "The Hugging Face Hub cannot be reached from here. What is bundled, your own files and what was "
    "fetched before work without it.",
    "message.unsupported": "Not on this host: {scheme}. {reason}",
    "progress.ahead.0": "Yours is next.",
    "progress.ahead.1": "1 run ahead of yours.",
    "progress.ahead.n": "{count} runs ahead of yours.",
    "progress.on": "on {device}",
    "progress.step": "{doing}, step {step} of {steps}",
    "progress.training": "Training",
    "progress.eta": "about {time} left",
    "progress.succeeded": "Done in {time}. The results are below, and URLs are now classified by this run's models.",
    "progress.failed": "This run stopped: {error}",
    "progress.cancelled": "Cancelled. Nothing of it is kept; change the recipe and run again whenever you like.",
    "progress.interrupted": "{error}",
    "progress.cancelling": "Cancelling: it stops at its next step.",
    "progress.link": "Link to this run",
    "preview.tokens": "Half of the URLs have at most {p50} tokens, 95 % at most {p95}, 99 % at most {p99}; the "
    "longest has {max}.",
    "preview.truncated": "{share} are longer than {limit} tokens and would be cut.",
    "preview.examples": "A few rows (addresses made unclickable)",
    "summary.smaller": "{ratio}× smaller",
    "summary.larger": "{ratio}× larger",
    "summary.same-size": "the same size",
    "summary.less": "{points} {unit} less accurate than the teacher",
    "summary.more": "{points} {unit} more accurate than the teacher",
    "summary.equal": "exactly as accurate as the teacher",
    "summary.point": "point",
    "summary.points": "points",
    "summary.faster": "{ratio}× faster on {device}",
    "summary.slower": "{ratio}× slower on {device}",
    "summary.same-speed": "just as fast on {device}",
    "summary.here": "this {device}",
    "summary.elsewhere": "that {device}",
    "summary.all": "{size}, {accuracy}, {speed}.",
    "summary.detail": "{teacher} → {compressed}, accuracy {before} → {after} on {examples} test URLs, {device}.",
    "paired": "{change} on {examples} {split} URLs (95 % interval {low} to {high}: {verdict}).",
    "paired.less": "{points} {unit} less than the teacher",
    "paired.more": "{points} {unit} more than the teacher",
    "paired.equal": "Exactly as many right as the teacher",
    "paired.test": "test",
    "paired.both": "validation and test",
    "paired.noise": "within noise",
    "paired.real": "more than noise",
    "summary.control": "Counting character n-grams does better here: the TF-IDF control is {size} and {accuracy} "
    "right, the compressed model {own_size} and {own_accuracy}.",
    "summary.reused": "This result was reused from an earlier, identical run.",
    "verdict.probability": "Probability of phishing: {share}",
    "verdict.reads": "Reads",
}

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

WORDS: dict[str, str] = (
    FORM
    | PAGE
    | NAMES
    | MESSAGES
    | WHY
    | BEHAVIOUR
    | BYTES
    | CERTAINTY
    | COMPARED
    | EXAMPLES
    | FILE
    | LABELS
    | PUSH
    | RUNS
    | XRAY
)
