"""What can be taken along: a chart as a picture or as data, the comparison as a file, a model as a zip."""

from html import escape
from typing import Any

import gradio as gr

from compression.ui import markup
from compression.ui.taking_along import FILES
from compression.ui.words import say

# All in the browser: the figure's own SVG, drawn on white with its title at twice its size; or what it shows as data.
_SAVING = """
const plain = (value) => String(value ?? '').replace(/<br>/g, ' ').replace(/<[^>]*>/g, '').trim();
const cell = (value) => typeof value === 'number' ? value
    : `"${plain(value).replace(/^[=+@\\t\\r-]/, "'$&").replaceAll('"', '""')}"`;
const save = (blob, name) => {
    const link = Object.assign(document.createElement('a'), {href: URL.createObjectURL(blob), download: name});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const table = (plot) => {
    const rows = [['series', 'x', 'y', 'low', 'high', 'label']];
    for (const trace of plot.data.filter((trace) => trace.mode !== 'text')) {
        if (trace.z) {
            trace.y.forEach((y, row) => trace.x.forEach((x, column) =>
                rows.push([trace.name, x, y, '', '', trace.text[row][column]])));
            continue;
        }
        const [error, values] = trace.error_x ? [trace.error_x, trace.x] : [trace.error_y, trace.y];
        for (let i = 0; i < trace.x.length; i += 1) {
            const ends = error?.array ? [values[i] - error.arrayminus[i], values[i] + error.array[i]] : ['', ''];
            const label = trace.customdata ?? trace.text;
            rows.push([trace.name, trace.x[i], trace.y[i], ...ends, Array.isArray(label) ? label[i] : '']);
        }
    }
    return rows.map((row) => row.map(cell).join(',')).join('\\r\\n') + '\\r\\n';
};
const picture = async (plot, title) => {
    const [width, height, head, scale] = [plot.clientWidth, plot.clientHeight, 40, 2];
    const canvas = document.createElement('canvas');
    Object.assign(canvas, {width: width * scale, height: (height + head) * scale});
    const brush = canvas.getContext('2d');
    brush.scale(scale, scale);
    brush.fillStyle = 'white';
    brush.fillRect(0, 0, width, height + head);
    brush.fillStyle = '#1c2a35';
    brush.font = '600 16px system-ui, sans-serif';
    brush.fillText(title, 16, 26);
    const [whole, ...layers] = [...plot.querySelectorAll('.main-svg')].map((layer) => layer.cloneNode(true));
    layers.forEach((layer) => whole.append(...layer.childNodes)); // what a layer refers to may lie in another
    const drawn = new XMLSerializer().serializeToString(whole).replace(/url\\([^)#]*#([^)&"']+)[^)]*\\)/g, 'url(#$1)');
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawn)}`;
    await image.decode();
    brush.drawImage(image, 0, head, width, height);
    return new Promise((done) => canvas.toBlob(done, 'image/png'));
};
element.addEventListener('click', async (event) => {
    const button = event.target.closest('button[data-save]');
    const plot = button && document.querySelector(`#${button.dataset.chart}-plot .js-plotly-plot`);
    if (!plot) return;
    if (button.dataset.save === 'png') save(await picture(plot, button.dataset.title), `${button.dataset.chart}.png`);
    else save(new Blob(['\\ufeff', table(plot)], {type: 'text/csv'}), `${button.dataset.chart}.csv`);
});
"""


def saving(chart: str, title: str) -> None:
    """Two buttons that save the chart `chart`; hidden while there is none."""
    buttons = "".join(
        f'<button type="button" data-save="{kind}" data-chart="{escape(chart)}" data-title="{escape(title)}" '
        f'aria-label="{escape(say("save.of", what=words, chart=title))}">{escape(words)}</button>'
        for kind, words in (("png", say("save.png")), ("csv", say("save.csv")))
    )
    gr.HTML(buttons, js_on_load=_SAVING, elem_classes="saving")


def downloads() -> dict[str, Any]:
    """What to take along of the run on show; hidden until there is a result."""
    with gr.Column(visible=False, elem_id="taking", elem_classes="inset") as column:
        gr.HTML(markup.text("h3", say("take")) + markup.text("p", say("take.lead"), "quiet"))
        choices = [(say(f"take={name}"), name) for name in FILES]
        what = gr.Radio(choices, value=FILES[0], label=say("take.what"), elem_id="take-what")
        button = gr.Button(say("take.button"), variant="primary", elem_id="take")
        taken = gr.HTML(elem_id="taken")
        file = gr.DownloadButton(visible=False, elem_id="take-file")
    return {"taking": column, "take": what, "take-button": button, "taken": taken, "take-file": file}
