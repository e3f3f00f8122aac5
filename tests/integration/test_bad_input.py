"""Every bad input of the table gets one sentence that says what to do: on the command line, and on the page."""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import tiny
from bad_input import Bad, Bench, File, Given, Options, Recipe, Url, teacher
from bad_input.site import Site, served
from bad_input.table import TABLE
from bad_input.visitor import Visitor
from hub_stand_in import HubStandIn

from compression import pipeline
from compression.__main__ import main
from compression.recipe import nest

# Gradio keeps figures of its queue with an option that pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")


@pytest.fixture
def bench(hub: HubStandIn, tmp_path: Path, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench with a Hub that is well, until something on it is not."""
    (tmp_path / "bench").mkdir()
    with ExitStack() as stack:
        yield Bench(tmp_path / "bench", tiny_teacher, hub, monkeypatch, stack)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("home"), pipeline.run) as site:
        yield site


def command(given: Given, bench: Bench) -> list[str]:
    """The command that is given the same."""
    out = bench.folder / "out"
    match given:
        case Recipe(settings):
            (bench.folder / "given.json").write_text(json.dumps(nest(settings.items())))
            return ["run", "--config", str(bench.folder / "given.json"), "--output", str(out)]
        case File(path):
            return ["run", "--data", str(path), "--output", str(out)]
        case Url(text):
            return ["classify", "bundled", "--", text]
        case Options(arguments):
            return [str(a).replace("{tmp}", str(bench.folder)).replace("{out}", str(out)) for a in arguments]


def held(folder: Path) -> dict[str, str]:
    """What every file in a folder holds."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def assert_sentence(sentence: str, bad: Bad) -> None:
    """It says what is wrong with this input and what to do, for people."""
    assert not bad.missing(sentence), sentence
    assert sentence[-1] == "."
    assert "Traceback" not in sentence or "lines" in bad.name
    assert not set(sentence) & set("\n\r\x1b\0")
    assert 20 < len(sentence) < 1000


@pytest.mark.parametrize("bad", [b for b in TABLE if b.command], ids=lambda bad: bad.name)
def test_on_the_command_line(bad: Bad, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command(bad.make(bench), bench)
    before = held(bench.folder) | held(bench.teacher)
    started = time.monotonic()
    with bad.around():
        code = main(arguments)
    assert bad.seconds is None or time.monotonic() - started < bad.seconds
    out, err = capsys.readouterr()
    lines = [line for line in err.split("\n") if line]
    assert (code, out) == (2, ""), err
    assert_sentence(lines[-1], bad)
    assert len(lines) == 1 or lines[0].startswith("Running on"), err  # only a run that had begun says more
    after = held(bench.folder) | held(bench.teacher)
    assert before.items() <= after.items()


@pytest.mark.parametrize("bad", [b for b in TABLE if b.page], ids=lambda bad: bad.name)
def test_on_the_page(bad: Bad, bench: Bench, page: Site) -> None:
    given = bad.make(bench)
    visitor = bench.open.enter_context(Visitor(page))
    with bad.around():
        sentence = told(visitor, given)
    assert bad.seconds is None or visitor.slowest_s < bad.seconds
    assert_sentence(sentence, bad)


def told(visitor: Visitor, given: Given) -> str:
    """The one sentence the page answers with."""
    match given:
        case File(path):
            answer = visitor.upload(path.name, path.read_bytes())
        case Url(text):
            answer = visitor.press("classify", {"url": text})
        case Recipe(settings):
            assert visitor.press("teacher", settings, "change").success  # the sizes beside the form
            if "data" in settings:
                assert visitor.press("preview", settings).success
            answer = visitor.press("run", settings)
            answer = answer if answer.alerts or not answer.success else visitor.ending(answer)
        case Options():
            raise LookupError("the page has no such options")
    assert answer.success, answer
    assert len(answer.alerts) == 1, answer
    return answer.alerts[0]


# What only looks bad, after all that was


def odd_rows() -> bytes:
    """UTF-16, two columns of one name, formulas in cells that nobody reads, and a row that is cut off."""
    rows = "".join(f"{text},=1+1,{label}\r\n" for text, label in tiny.urls(200))
    return f"url,URL,label\r\n{rows}http://cut.test/".encode("utf-16")


def test_the_page_goes_on(bench: Bench, page: Site) -> None:
    """A run on odd rows, under a teacher whose labels are swapped, reached through a link."""
    (bench.folder / "link").symlink_to(bench.trained(id2label={0: "Not Safe", 1: "Safe"}))
    visitor = bench.open.enter_context(Visitor(page))
    uploaded = visitor.upload("odd.csv", odd_rows())
    assert "200" in uploaded.body
    settings = dict(teacher(lambda _: bench.folder / "link")(bench).settings)  # type: ignore[union-attr]
    settings |= {"data": next(u["value"] for u in uploaded.updates if "upload:" in str(u)), "distillation.epochs": 1}
    assert not visitor.press("teacher", settings, "change").alerts
    assert not visitor.press("preview", settings).alerts
    answer = visitor.ending(visitor.press("run", settings))
    assert not answer.alerts
    assert "status succeeded" in answer.body
    assert "More than one column" in answer.body
    assert visitor.press("classify", {"url": "http://a\0.test/\u202e"}).body.count("hxxp://a[.]test/") == 1


def test_swapped_labels_swap_the_verdict(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    swapped = bench.trained(id2label={0: "Not Safe", 1: "Safe"})  # of the same weights as the tiny teacher
    sure = []
    for model in (bench.teacher, swapped):
        assert main(["classify", str(model), "http://a.test/", "--json"]) == 0
        sure.append(json.loads(capsys.readouterr().out)["probability"])
    assert sum(sure) == pytest.approx(1)


def test_a_renamed_model_is_found(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.hub.add_model("someone/before", bench.teacher)
    bench.hub.rename("someone/before", "someone/after")
    bench.file("test.csv", odd_rows())
    assert main(["evaluate", "someone/before", "--data", str(bench.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["examples"] == 200
