"""A file of URLs, who answers, and what came out."""

import gradio as gr

from compression.data.files import SUFFIXES
from compression.data.rows import LIST
from compression.settings import limits
from compression.ui import markup
from compression.ui.sections.controls import Parts, fold
from compression.ui.words import say

# Sorts by the column whose heading is pressed, the other way round at the second press, and hides what is not sought.
_TABLE = """
const rows = () => [...element.querySelectorAll('tbody tr')];
element.addEventListener('click', (event) => {
    const heading = event.target.closest('thead th');
    if (!heading || !event.target.closest('button')) return;
    const order = heading.ariaSort === 'ascending' ? 'descending' : 'ascending';
    element.querySelectorAll('thead th').forEach((other) => other.removeAttribute('aria-sort'));
    heading.setAttribute('aria-sort', order);
    const key = (row) => row.cells[heading.cellIndex].dataset.value ?? row.cells[heading.cellIndex].textContent;
    const sign = order === 'ascending' ? 1 : -1;
    const compare = (one, other) => (one - other) || one.localeCompare(other); // as numbers, where both are
    const sorted = rows().sort((a, b) => sign * compare(key(a), key(b)));
    element.querySelector('tbody').append(...sorted);
});
element.addEventListener('input', () => {
    const sought = element.querySelector('input').value.trim().toLowerCase();
    const verdict = element.querySelector('select').value;
    let shown = 0;
    rows().forEach((row) => {
        const [, url, label] = row.cells;
        row.hidden = !url.textContent.toLowerCase().includes(sought) || (verdict && label.textContent !== verdict);
        shown += !row.hidden;
    });
    element.querySelector('output').textContent = shown;
});
"""


def whole_file() -> Parts:
    """The form for a file, folded, and a place for its verdicts."""
    most = limits()
    with fold("fold-file"):
        lead = say("file.lead", megabytes=most.file_bytes // 1_000_000, rows=f"{most.file_rows:,}")
        gr.HTML(markup.text("p", lead, "quiet"))
        parts: Parts = {
            "file": gr.File(label=say("file"), file_types=[*SUFFIXES, LIST], height=132, buttons=[], elem_id="file")
        }
        with gr.Row():
            parts["file-model"] = gr.Radio(
                choices=[(say("teacher=bundled"), "teacher")],
                value="teacher",
                label=say("file.model"),
                info=say("file.model.info"),
                elem_id="file-model",
            )
            parts["file-column"] = gr.Textbox(
                label=say("columns.text"), info=say("columns.text.info"), max_lines=1, elem_id="file-column"
            )
        parts["file-button"] = gr.Button(
            say("file.button"), variant="primary", interactive=False, elem_id="classify-file"
        )
        parts["file-verdicts"] = gr.HTML(markup.empty("file.empty"), elem_id="file-verdicts", js_on_load=_TABLE)
        parts["file-download"] = gr.DownloadButton(say("file.download"), visible=False, elem_id="file-download")
    parts["file-source"] = gr.State(None)  # where the file was received; the browser never says
    return parts
