"""The endpoint for programs: what the README shows works as it stands, and no other endpoint is anyone's to call."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from bad_input.site import Site, served

from compression import pipeline

# Gradio keeps figures of its queue with an option that pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = README.partition("### From programs")[2]
HERE = "http://127.0.0.1:7860/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("home"), pipeline.run) as site:
        yield site


def shown(language: str, site: Site) -> str:
    """The README's example in this language, for this site."""
    found = re.search(rf"```{language}\n(.*?)```", SHOWN, re.DOTALL)
    assert found
    assert HERE in found[1]
    return found[1].replace(HERE, site.url)


def told(site: Site, *data: Any) -> Any:
    """The answer over plain HTTP, as the README shows it."""
    with httpx2.Client(base_url=site.url, timeout=60, trust_env=False) as client:
        asked = client.post("/gradio_api/call/classify", json={"data": list(data)})
        assert asked.status_code == 200, asked.text
        answer = client.get(f"/gradio_api/call/classify/{asked.json()['event_id']}").text
    assert "event: complete" in answer, answer
    return json.loads(answer.partition("data: ")[2])[0]


def test_the_python_example_prints_a_verdict(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    exec(shown("python", site), {})
    label, probability = capsys.readouterr().out.strip().splitlines()[-1].rsplit(" ", 1)
    assert label in ("Safe", "Not Safe")
    assert (float(probability) >= 0.5) == (label == "Not Safe")


def test_the_curl_example_is_told_a_verdict(site: Site) -> None:
    done = subprocess.run(["bash", "-c", shown("bash", site)], capture_output=True, text=True, check=True)
    assert "event: complete" in done.stdout
    assert '"label": "Not Safe"' in done.stdout or '"label": "Safe"' in done.stdout


def test_the_answer_is_what_the_page_would_say(site: Site) -> None:
    answer = told(site, " http://evil.example/<b>\u202e ", "")
    assert answer["error"] == ""
    assert answer["read"] == "hxxp://evil[.]example/<b>"
    (verdict,) = answer["verdicts"]
    assert verdict["model"] == "teacher"
    assert set(verdict) == {"model", "label", "probability", "latency_ms"}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (("", ""), "Type or paste a URL first"),
        (("x" * 3_000, ""), "3000 characters long"),
        (("x" * 1_000_000, ""), "1000000 characters long"),
        ((None, None), "Type or paste a URL first"),
        (([1], {}), "Type or paste a URL first"),
        (("http://a.test", "no-such-run"), "no run with this link"),
        (("http://a.test", "../../etc/passwd"), "no run with this link"),
    ],
)
def test_what_the_page_refuses_is_refused_with_its_sentence(site: Site, data: Any, sentence: str) -> None:
    answer = told(site, *data)
    assert answer["verdicts"] == []
    assert sentence in answer["error"]


def test_no_other_endpoint_is_public(site: Site) -> None:
    info = httpx2.get(f"{site.url}gradio_api/info", trust_env=False).json()
    assert list(info["named_endpoints"]) == ["/classify"]
    assert info["unnamed_endpoints"] == {}
    private = [d for d in site.config["dependencies"] if d["backend_fn"] and d["api_name"] != "classify"]
    assert private
    assert {d["api_visibility"] for d in private} == {"private"}
