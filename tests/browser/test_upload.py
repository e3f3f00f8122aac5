"""A visitor brings a file of their own: it becomes the data, is run on, and leaves with its run."""

import gzip
import json
import re
from pathlib import Path

import pytest
import tiny
from conftest import Site, Visit
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing"),  # Gradio's own use of pandas 3
    pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning"),  # and of temporary files
]


def uploads(site: Site) -> list[Path]:
    return sorted((site.home / "uploads").glob("*"))


def test_a_file_is_brought_looked_at_run_on_and_deleted(site: Site, visit: Visit, tmp_path: Path) -> None:
    site.pipeline.gate.set()
    path = tiny.save_csv(tmp_path / "brought" / "my <b>urls.csv", tiny.urls(200))
    path.write_text(path.read_text() + "one cell\n")
    page = visit(site.url)
    with page.expect_file_chooser() as chooser:
        page.locator("#upload button").first.focus()
        page.keyboard.press("Enter")
    chooser.value.set_files(path)
    expect(page.locator("#uploaded")).to_contain_text("urls.csv is now the data: 200 rows.")
    assert page.locator("#uploaded b").count() == 0
    expect(page.locator("#data input")).to_have_value(re.compile(r"urls\.csv \(uploaded\)"))
    expect(page.locator("#preset").get_by_label("Custom")).to_be_checked()
    page.locator("#preview").click()
    expect(page.locator("#data-preview")).to_contain_text("Training14070 (50 %)")
    expect(page.locator("#data-preview")).to_contain_text("1 row was skipped")
    assert [file.suffix for file in uploads(site)] == [".csv"]

    page.locator("#run").click()
    expect(page.locator("#summary .headline")).to_be_visible()
    page.reload()
    address = f"upload:{uploads(site)[0].stem}"
    expect(page.locator("#data input")).to_have_value(address)

    row = page.locator("#runs li:not(.gone)")
    row.get_by_role("button", name=re.compile("Delete")).click()
    expect(row).to_have_count(0)
    (kept,) = uploads(site)  # for as long as the deletion can be taken back
    kept.unlink()
    page.locator("#preview").click()
    expect(page.locator("#data-preview [role=alert]")).to_contain_text("Upload it, or")


def test_what_is_no_table_is_refused_with_a_sentence(site: Site, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv"
    path.write_bytes(gzip.compress(b"http://a.test/,1\n" * 100_000))
    page = visit(site.url)
    page.locator("#upload input[type=file]").set_input_files(path)
    expect(page.locator("#uploaded [role=alert]")).to_contain_text("bomb.csv is compressed (gzip)")
    expect(page.locator("#data input")).to_have_value("Bundled phishing URLs")
    assert not uploads(site)
    page.locator("#upload input[type=file]").set_input_files(tiny.save_csv(tmp_path / "good.csv", tiny.urls(200)))
    expect(page.locator("#uploaded")).to_contain_text("good.csv is now the data: 200 rows.")


def test_a_hosted_page_takes_uploads(site: Site, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit(site.url)
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    page.locator("#upload input[type=file]").set_input_files(tiny.save_csv(tmp_path / "good.csv", tiny.urls(200)))
    expect(page.locator("#uploaded")).to_contain_text("good.csv is now the data")
    page.locator("#preview").click()
    expect(page.locator("#data-preview table")).to_have_count(2)
    page.locator("#data input").fill(str(uploads(site)[0]))
    page.keyboard.press("Enter")
    expect(page.locator("#estimate [role=alert]")).to_contain_text("cannot read local files")
    page.locator("#preview").click()
    expect(page.locator("#data-preview [role=alert]")).to_contain_text("cannot read local files")


def test_the_wire_reaches_no_file_but_one_just_received(site: Site, visit: Visit, tmp_path: Path) -> None:
    secret = tiny.save_csv(site.home / "secret.csv", tiny.urls(200))
    wire = visit(site.url).request
    config = wire.get(f"{site.url}config").json()
    field = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "upload")
    event = next(event["id"] for event in config["dependencies"] if [field, "upload"] in event["targets"])
    for path in (str(secret), "/etc/hostname", f"{site.home}/uploads/../secret.csv", "http://127.0.0.1:9/a.csv"):
        for meta in ({"_type": "gradio.FileData"}, {}):
            file = {"path": path, "orig_name": "a.csv", "meta": meta}
            body = {"data": [file], "fn_index": event, "session_hash": "raw"}
            assert wire.post(f"{site.url}gradio_api/queue/join", data=body).ok
            stream = wire.get(f"{site.url}gradio_api/queue/data?session_hash=raw").text()
            ends = [json.loads(line[5:]) for line in stream.splitlines() if line.startswith("data:")]
            done = next(end for end in ends if end["msg"] == "process_completed")
            assert not done["success"], path
    assert not uploads(site)
