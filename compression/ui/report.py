"""The comparison of a run as one file to keep or to hand on: HTML that needs nothing else, or JSON."""

import json
from html import escape

import plotly.graph_objects as go

from compression import __version__
from compression.catalog import ASSETS
from compression.export.takeaway import portable
from compression.links import to_command
from compression.measure.evidence import Evidence, told
from compression.result import Result
from compression.ui import behaving, charts, markup, step_charts
from compression.ui.views import comparison, parts, receipt, staircase
from compression.ui.views.certainty import certainty_card
from compression.ui.words import say

STYLE = ASSETS / "report.css"
_QUICK = {"displayModeBar": False, "displaylogo": False, "responsive": True}


def to_json(result: Result, sure: Evidence) -> str:
    """The result, without places on this machine, and all that its predictions say."""
    return json.dumps({"result": portable(result).to_json(), "evidence": told(sure)}, indent=2) + "\n"


def to_html(result: Result, sure: Evidence, called: str) -> str:
    """One HTML file with every chart and table of the comparison; `called` is the run's name. It asks no server for
    anything, and lists no URL."""
    result = portable(result)
    rows = parts.rows(result, sure)
    pieces = [
        _section("size-accuracy", charts.size_accuracy(result, True, sure), comparison.size_table(result)),
        _section("staircase", step_charts.staircase(result), staircase.staircase_table(result)),
        _section("bytes", step_charts.bytes_by_part(rows), parts.bytes_table(rows)) if rows else "",
        _section("metrics", charts.metrics(result, sure), comparison.everything(result, sure)),
        f"<h2>{escape(say('certainty'))}</h2>{certainty_card(result, sure)}",
        _section("latency", charts.latency(result), comparison.latency_table(result)),
        f"<h2>{escape(say('receipt'))}</h2>{receipt.receipt_card(result)}",
        f"<h2>{escape(say('chart.confusion'))}</h2>{comparison.confusion_table(result)}",
        *_behaviour(sure),
    ]
    command = markup.text("pre", to_command(result.config))
    made = say("report.made", created=result.environment.created, version=__version__)
    head = f'<meta charset="utf-8"><title>{escape(called)}</title><meta name="viewport" content="width=device-width">'
    body = [
        markup.text("h1", called),
        comparison.summary_card(result, here=False),
        markup.text("p", made, "quiet"),
        command,
        *pieces,
    ]
    opened = "".join(body).replace("<details>", "<details open>")
    head += f"<style>{STYLE.read_text(encoding='utf-8')}</style>{_library()}"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{opened}</body></html>'


def _behaviour(sure: Evidence) -> list[str]:
    """What the page folds away, as far as it is known."""
    if "test" not in sure.said:
        return []
    sentences, figures = behaving.told(sure, None, behaving.WANTED)
    return [
        f"<h2>{escape(say('flips'))}</h2>{sentences['flips']}{sentences['loyalty']}",
        *(_section(name, figure, numbers) for name, (figure, numbers) in figures.items()),
        f"<h2>{escape(say('thresholds'))}</h2>{sentences['thresholds']}",
    ]


def _section(name: str, figure: go.Figure | None, numbers: str) -> str:
    drawn = "" if figure is None else figure.to_html(full_html=False, include_plotlyjs=False, config=_QUICK)
    return f"<h2>{escape(say(f'chart.{name}'))}</h2>{drawn}{numbers}"


def _library() -> str:
    """Plotly itself: some megabytes, and the price of a file that needs no network."""
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script>"
