"""What a page does when the network or its machine was away: it waits, says so, and catches up by itself."""

import gradio as gr

from compression.ui import markup
from compression.ui.sections.controls import Parts
from compression.ui.words import say

# Gradio reloads a page whose request has failed, and with it goes what was typed. Here a request that could not be
# sent is sent again until it arrives; each may arrive twice without harm. What happened meanwhile, a tick of the timer
# shows; where it was not ticking, 'click' asks for it.
_CONNECTION = """
const RETRY_MS = 2000, SETTLED_MS = 10000;
const notice = () => element.querySelector('.away');
let away = 0;
const patience = () => new Promise((resolve) => {
    const timer = setTimeout(done, RETRY_MS);
    function done() {
        clearTimeout(timer);
        window.removeEventListener('online', done);
        resolve();
    }
    window.addEventListener('online', done);
});
const send = window.fetch.bind(window);
window.fetch = async (resource, options) => {
    const ours = /[/]gradio_api[/](run|queue[/]join)/.test(String(resource?.url ?? resource));
    let counted = false;
    try {
        for (;;) {
            try {
                return await send(resource, options);
            } catch (error) {
                if (!ours || error.name === 'AbortError') throw error;
                if (!counted) away += 1;
                counted = true;
                if (notice()) notice().hidden = false;
                await patience();
            }
        }
    } finally {
        if (counted) away -= 1;
        if (!away && notice()) notice().hidden = true;
    }
};

const catchUp = () => { if (document.visibilityState === 'visible') trigger('click'); };
window.addEventListener('online', catchUp);
window.addEventListener('pageshow', ({persisted}) => { if (persisted) catchUp(); });
window.addEventListener('storage', catchUp);
document.addEventListener('visibilitychange', catchUp);
document.addEventListener('resume', catchUp);
// A page that is only just being loaded may hear that it is not known, before it has made itself known.
const start = () => { if (element.querySelector('[data-forgotten]')) location.reload(); };
new MutationObserver(() => setTimeout(start, Math.max(0, SETTLED_MS - performance.now())))
    .observe(element, {childList: true, subtree: true});
"""


def connection() -> Parts:
    """A line that stands on the page while requests cannot be sent."""
    return {"connection": gr.HTML(here(), elem_id="connection", js_on_load=_CONNECTION)}


def here() -> str:
    """Nothing to see, until requests cannot be sent."""
    return f'<div role="status"><p class="away" hidden>{markup.text("span", say("connection.away"))}</p></div>'


def forgotten() -> str:
    """What has the page loaded anew: the server was started since, or knows no more what this tab has on show."""
    return '<span data-forgotten=""></span>'
