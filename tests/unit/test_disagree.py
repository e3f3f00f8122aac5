"""Where two models part ways: edits are small, each once and bounded; the search ends in time."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from compression.catalog import EXAMPLES
from compression.errors import RunCancelled
from compression.events import Event, ignore
from compression.predict import disagree as searching
from compression.predict import predictor
from compression.predict.disagree import MOST, Edit, disagreements, edits
from compression.runs import examples
from compression.ui.disagreeing import disagree
from compression.ui.views.disagreements import edited_card

URL = "http://paypal.example/account/login?id=7"


def test_edits_are_of_every_kind_and_each_another_url() -> None:
    found = edits(URL)
    urls = [edit.url for edit in found]
    assert len(set(urls)) == len(urls)
    assert URL not in urls
    assert {edit.kind for edit in found} == {"scheme", "case", "dropped", "replaced", "look-alike"}
    for expected in (
        "https://paypal.example/account/login?id=7",
        "paypal.example/account/login?id=7",
        "HTTP://PAYPAL.EXAMPLE/ACCOUNT/LOGIN?ID=7",
        "http://paypal.example/login?id=7",
        "http://secure.example/account/login?id=7",
        "http://p4yp41.example/account/login?id=7",
        "http://раураl.example/account/login?id=7".replace("у", "y"),
    ):
        assert expected in urls, expected
    assert "https://a.test" in [edit.url for edit in edits("a.test")]


def test_edits_are_bounded_and_of_all_kinds_however_long_the_url() -> None:
    found = edits("http://a.example/" + "/".join(f"word{n}" for n in range(300)))
    assert len(found) == MOST
    assert {edit.kind for edit in found} >= {"scheme", "case", "dropped", "replaced", "look-alike"}
    for odd in ("x", "://", "\u202e", "а" * 2048, "💥" * 500, "%%%"):
        assert all(edit.url != odd and edit.url for edit in edits(odd))


def answer(says_phishing: Any) -> Any:
    return lambda texts: np.array([0.9 if says_phishing(text) else 0.1 for text in texts])


def test_the_search_finds_where_verdicts_differ_and_stops_when_it_has_enough() -> None:
    candidates = edits(URL)
    one, other = answer(lambda url: "login" in url), answer(lambda url: "login" in url and "paypal" in url)
    search = disagreements(candidates, one, other, wanted=3)
    assert len(search.found) == 3
    assert all("login" in found.edit.url and "paypal" not in found.edit.url for found in search.found)
    assert all((found.one, found.other) == (0.9, 0.1) for found in search.found)
    assert not search.cut_short
    nothing = disagreements(candidates, one, one)
    assert (nothing.found, nothing.asked, nothing.cut_short) == ((), len(candidates), False)


def test_the_search_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    search = disagreements([Edit(str(n), "dropped", "") for n in range(200)], *[answer(bool)] * 2, seconds=3)
    assert search.asked == 2 * 24
    assert search.cut_short


def test_a_report_that_raises_stops_the_search() -> None:
    def stop(event: Event) -> None:
        raise RunCancelled

    with pytest.raises(RunCancelled):
        disagreements(edits(URL), answer(bool), answer(bool), stop)


def test_what_is_shown_is_escaped_and_cannot_be_followed() -> None:
    hostile = Edit("http://evil.example/<script>alert(1)</script>", "dropped", "<b>")
    html = edited_card(searching.Search((searching.Disagreement(hostile, 0.9, 0.1),), 24, False))
    assert "hxxp://evil[.]example/&lt;script&gt;" in html
    assert "Without &lt;b&gt;" in html
    assert "<script" not in html
    assert "Not Safe<small>90.0 %</small>" in html
    assert "there was no time for more" in edited_card(searching.Search((), 48, True))
    assert "None of 48 edits" in edited_card(searching.Search((), 48, False))


def runs_with(name: str | None) -> Any:
    folder = EXAMPLES / (name or "quick")
    shown = examples.read(f"example-{name}", folder) if name else None
    anybodys = {"check_uploads": lambda config, owner: None}
    return SimpleNamespace(snapshot=lambda run_id: shown, folder=lambda run_id: folder, **anybodys)


def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two models of a run, which disagree on whatever has no digits."""

    def loaded(folder: Path, not_safe: str | None = None) -> Any:
        bad = "teacher" in str(folder)
        return SimpleNamespace(probabilities=answer(lambda url: bad and not any(c.isdigit() for c in url)))

    from compression.ui import disagreeing

    folders = {"teacher": Path("teacher"), "compressed": Path("compressed")}
    monkeypatch.setattr(predictor, "loaded", loaded)
    monkeypatch.setattr(disagreeing, "asked", lambda runs, viewing: SimpleNamespace(folders=folders, not_safe={}))


def test_the_page_shows_edits_and_test_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch)
    html = disagree(runs_with("quick"), ignore, "run", "http://paypal.example/login")["disagreements"]
    assert "The first 6 found, after 24 edits" in html
    assert "They disagree on " in html
    assert html.count("hxxp") >= 6
    assert "http://" not in html


def test_without_a_url_a_run_or_the_data_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch)
    assert "Type a URL above" in disagree(runs_with("quick"), ignore, "run", "")["disagreements"]
    real = disagree(runs_with("real"), ignore, "run", None)["disagreements"]
    assert "of 1,978 test URLs. Of these URLs only hashes were kept" in real
    assert "no finished run" in disagree(runs_with(None), ignore, "", URL)["disagreements"]
    for refused in ("x" * 3000, " \u202e ", 5, ["http://a.test"], {"a": 1}):
        assert "alert" in disagree(runs_with("quick"), ignore, "run", refused)["disagreements"]


def test_a_model_that_is_not_here_is_not_asked() -> None:
    from compression.ui import classifying

    html = disagree(runs_with("real"), ignore, "run", URL)["disagreements"]
    assert "Only one of the two models is on this server" in html
    assert set(classifying.asked(runs_with("real"), "run").folders) == {"teacher"}
