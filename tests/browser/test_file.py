"""A visitor has a whole file classified: the bundled teacher itself answers here."""

import csv
import re
from pathlib import Path

import pytest
import tiny
from conftest import Site, Visit, screenshots
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing"),  # Gradio's own use of pandas 3
    pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning"),  # and of temporary files
]

HOSTILE = "http://evil.example/<script>window.hit=1</script><img src=x onerror=window.hit=1>"
FORMULA = "=HYPERLINK(1)"
URLS = [HOSTILE, FORMULA, "", *(text for text, _ in tiny.urls(40))]


@pytest.fixture(autouse=True)
def passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the page is served, which remembers where files pass through."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "passing"))


def choose(page: Page, path: Path) -> None:
    page.locator("#file input[type=file]").set_input_files(path)
    expect(page.locator("#file")).to_contain_text(path.stem)
    page.locator("#classify-file").click()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_file_is_classified_sorted_searched_and_downloaded(
    site: Site, visit: Visit, tmp_path: Path, width: int, theme: str
) -> None:
    page = visit(site.url, width, theme)
    page.get_by_role("button", name="Classify a whole file").click()
    expect(page.get_by_label("Bundled phishing teacher")).to_be_checked()
    expect(page.locator("#classify-file")).to_be_disabled()
    verdicts = page.locator("#file-verdicts")
    choose(page, tiny.save_csv(tmp_path / "my <b>urls.csv", [(url, 0) for url in URLS], ("url", "n")))
    expect(verdicts).to_contain_text(re.compile(r"Rows: 43\. Not Safe: \d+, Safe: \d+, without a verdict: 1\."))
    rows = verdicts.locator("tbody tr")
    expect(rows).to_have_count(43)
    expect(rows.first).to_contain_text("hxxp://evil[.]example/<script>window.hit=1</script>")
    assert page.locator("#section-classify :is(script, img, a[href*=evil])").count() == 0
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if folder := screenshots():
        page.locator("#section-classify").screenshot(path=folder / f"file-{width}-{theme}.png")

    heading = verdicts.get_by_role("columnheader", name="Probability of phishing")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(rows.first.locator("td").last).to_have_text("–")  # the row without a verdict
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    shares = [float(text.split()[0]) for text in rows.locator("td:last-child").all_inner_texts()[:-1]]
    assert shares == sorted(shares, reverse=True)
    verdicts.get_by_label("Search the URLs").fill("SHOP1")
    expect(verdicts.locator("output")).to_have_text("11")
    expect(rows.filter(visible=True)).to_have_count(11)
    verdicts.get_by_label("Show").select_option("Not Safe")
    expect(rows.filter(visible=True)).to_have_count(int(verdicts.locator("output").inner_text()))
    assert not rows.filter(visible=True, has_text=re.compile(r"(?<!Not )Safe")).count()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download all verdicts").click()
    assert download.value.suggested_filename == "verdicts.csv"
    with download.value.path().open(newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)] == ["url", HOSTILE, f"'{FORMULA}", *URLS[2:]]

    page.get_by_role("button", name="Clear").click()
    expect(verdicts).to_contain_text("A verdict for every row appears here")
    expect(page.locator("#file-download")).to_be_hidden()


def test_what_is_too_large_and_what_another_sees(
    site: Site, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, other = visit(site.url), visit(site.url)
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    for visitor in (page, other):
        visitor.get_by_role("button", name="Classify a whole file").click()
    many = tmp_path / "many.txt"
    many.write_text("http://a.test/\n" * 20_001)
    choose(page, many)
    expect(page.locator("#file-verdicts [role=alert]")).to_have_text(
        "many.txt has more than 20,000 rows. Give a smaller file."
    )
    few = tmp_path / "few.txt"
    few.write_text("http://a.test/\n")
    page.get_by_role("button", name="Clear").click()
    choose(page, few)
    expect(page.locator("#file-verdicts")).to_contain_text("Rows: 1.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all verdicts").click()
    link = download.value.url
    assert page.request.get(link).ok
    assert re.search(r"/download-[0-9a-f]{48}/verdicts\.csv$", link)
    for guess in (re.sub(r"[0-9a-f]{48}", "0" * 48, link), re.sub(r"/download-.*", "/", link)):
        assert other.request.get(guess).status == 403
    expect(other.locator("#classify-file")).to_be_disabled()
    other.reload()
    expect(other.locator("#file-download")).to_be_hidden()
