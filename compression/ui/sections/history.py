"""The visitor's own runs: their list, what can be done with them, and several of them compared."""

import gradio as gr

from compression.ui import markup
from compression.ui.sections.controls import Parts, answer, card, chart
from compression.ui.views.history import MOST_COMPARED
from compression.ui.words import say

# A press reaches the server as 'click' {action, run}, 'edit' {run, name, note}, 'download' {run} or 'select' {runs}.
# The list is drawn anew whenever it changes: what is being typed, ticked, unfolded or focused outlives that.
_LIST = """
const drafts = new Map();
const saving = new Set();
const chosen = new Set();
let focused = null;
const rowOf = (part) => part.closest('[data-run]').dataset.run;
const row = (run) => element.querySelector(`li[data-run="${run}"]`);

const settle = () => {
    element.querySelectorAll('input[name=choose]').forEach((box) => { box.checked = chosen.has(rowOf(box)); });
    saving.forEach((run) => drafts.delete(run));
    saving.clear();
    drafts.forEach((draft, run) => {
        const fold = row(run)?.querySelector('details');
        if (!fold) return;
        fold.open = true;
        Object.entries(draft).forEach(([name, text]) => { fold.querySelector(`[name=${name}]`).value = text; });
    });
    const compare = element.querySelector('.compare');
    if (compare) compare.disabled = chosen.size < 2 || chosen.size > Number(compare.dataset.most);
    if (focused && document.activeElement === document.body) {
        const place = row(focused[0]) || element;
        (place.querySelector(focused[1]) || place.querySelector('button'))?.focus({preventScroll: true});
    }
};
new MutationObserver(settle).observe(element, {childList: true, subtree: true});

element.addEventListener('focusin', ({target}) => {
    if (!target.closest('[data-run]')) return;
    const {dataset: {action}, name} = target;
    focused = [rowOf(target), action ? `[data-action=${action}]` : name ? `[name=${name}]` : 'summary'];
});
const elsewhere = ({target}) => { if (!element.contains(target)) focused = null; };
document.addEventListener('focusin', elsewhere);
document.addEventListener('pointerdown', elsewhere);
element.addEventListener('change', ({target}) => {
    if (target.name !== 'choose') return;
    chosen[target.checked ? 'add' : 'delete'](rowOf(target));
    settle();
});
element.addEventListener('input', ({target}) => {
    if (target.name === 'choose') return;
    saving.delete(rowOf(target));
    drafts.set(rowOf(target), {...drafts.get(rowOf(target)), [target.name]: target.value});
});
element.addEventListener('toggle', ({target}) => {
    const run = rowOf(target);
    if (target.open && !drafts.has(run)) drafts.set(run, {});
    if (!target.open) drafts.delete(run);
}, true);
element.addEventListener('keydown', (event) => {
    const {key, target} = event;
    if (key === 'Enter' && target.name === 'name') row(rowOf(target)).querySelector('[data-action=save]').click();
});
element.addEventListener('click', ({target}) => {
    const button = target.closest('button');
    if (!button) return;
    const {action, run} = button.dataset;
    if (button.classList.contains('compare')) {
        trigger('select', {runs: [...chosen].join(' ')});
    } else if (action === 'save') {
        const [name, note] = ['name', 'note'].map((field) => row(run).querySelector(`[name=${field}]`).value);
        saving.add(run);
        focused = [run, 'summary'];
        trigger('edit', {run, name, note});
    } else if (action === 'export') {
        trigger('download', {run});
    } else {
        if (action === 'delete') chosen.delete(run);
        if (action === 'pin') focused = [run, '[data-action=unpin]'];
        if (action === 'unpin') focused = [run, '[data-action=pin]'];
        trigger('click', {action, run});
    }
});
"""


def history() -> Parts:
    """The list of the visitor's runs with a search, and the way in for runs that were exported."""
    with card(9, "runs"):
        parts: Parts = {
            "search": gr.Textbox(label=say("search"), info=say("search.info"), max_lines=1, elem_id="search"),
            "runs-message": answer(elem_id="runs-message"),
            "runs": gr.HTML(markup.empty("runs.empty"), elem_id="runs", js_on_load=_LIST),
            "import": gr.UploadButton(
                say("runs.import"), file_types=[".zip"], size="sm", elem_id="import", elem_classes="small"
            ),
            "export": gr.DownloadButton(visible="hidden", elem_id="export"),
        }
    return parts


def several() -> Parts:
    """Several runs side by side, and all of them as points."""
    with card(10, "several"):
        empty = markup.text("p", say("compare.empty", most=MOST_COMPARED), "empty")
        parts: Parts = {"compared": gr.HTML(empty, elem_id="compared")}
        with gr.Row(equal_height=False):
            for name in ("front-size", "front-time"):
                with gr.Column(min_width=300, elem_id=name, elem_classes="inset"):
                    parts |= chart(name)
    return parts
